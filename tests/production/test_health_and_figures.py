"""What programs ask of a running site, and what files for Prometheus say of it."""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from audiences import consent, privacy
from audiences.background import presence
from audiences.consent import guards
from audiences.ledger import seal_all
from campaign.monitoring import counters, gauges, health
from delivery.models import HookCount
from tests.factories import BY_COMMAND
from tests.people import person

ROOT = Path(settings.BASE_DIR)
MONITORING = ROOT / "deploy" / "monitoring"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _believe_nothing() -> Iterator[None]:
    health._good_until.clear()
    yield
    health._good_until.clear()


def test_healthz_tells_the_release_and_asks_no_database(client: Client) -> None:
    with connection.execute_wrapper(_no_database):
        answer = client.get("/healthz")
    assert answer.json() == {"status": "ok", "version": settings.VERSION}


def _no_database(*args: Any) -> None:
    raise AssertionError("a statement")


def test_a_probe_needs_no_host_name_of_ours() -> None:
    with override_settings(ALLOWED_HOSTS=["news.example.org"]):
        assert (
            Client(headers={"host": "10.1.2.3:8000"}).get("/healthz").status_code == 200
        )


def test_readyz_says_that_no_worker_was_seen(client: Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["worker"]) == (
        503,
        "no worker was seen for 2 minutes",
    )
    presence.note("one")
    assert client.get("/readyz").status_code == 200


def test_pages_are_ready_without_a_worker(client: Client) -> None:
    answer = client.get("/readyz/web")
    assert answer.status_code == 200
    assert "worker" not in answer.json()


def test_readyz_says_that_a_guard_is_missing(client: Client) -> None:
    guards.remove()
    answer = client.get("/readyz/web")
    guards.install()
    assert answer.status_code == 503
    assert "guards are missing" in answer.json()["guards"]


def test_probes_change_nothing(client: Client) -> None:
    for path in ("/healthz", "/readyz", "/readyz/web", "/metrics"):
        assert client.post(path).status_code == 405


# ------------------------------------------------------------------ who may see figures
@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.7", {}, 403),
        ("127.0.0.1", {"x-forwarded-for": "192.0.2.7"}, 403),
        ("127.0.0.1", {"forwarded": "for=192.0.2.7"}, 403),
        ("", {}, 403),
    ],
)
def test_without_a_token_only_this_machine_reads_figures(
    client: Client, address: str, headers: dict[str, str], status: int
) -> None:
    answer = client.get("/metrics", headers=headers, REMOTE_ADDR=address)
    assert answer.status_code == status


def test_with_a_token_only_the_token_counts(client: Client) -> None:
    with override_settings(METRICS_TOKEN="sesame"):
        assert client.get("/metrics").status_code == 403
        wrong = {"authorization": "Bearer mustard"}
        assert client.get("/metrics", headers=wrong).status_code == 403
        right = {"authorization": "Bearer sesame"}
        far = client.get("/metrics", headers=right, REMOTE_ADDR="192.0.2.7")
        assert far.status_code == 200


# ------------------------------------------------------------------ figures
def figures() -> dict[str, float]:
    registry = counters.registry()
    registry.register(gauges.Collector())
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.django_db(transaction=True)
def test_figures_tell_of_opt_outs_workers_and_requests(client: Client) -> None:
    consent.opt_out(person(), "email", BY_COMMAND)
    seal_all(20)
    presence.note("one")
    client.get("/admin/login/")
    found = figures()
    assert acts(found, "opt_out", "command") == 1
    assert found["campaign_workers[]"] == 1
    assert any(
        name.startswith("campaign_requests_total") and "admin/login/" in name
        for name in found
    )
    assert found["campaign_unanswered_questions[]"] == 0


def acts(found: dict[str, float], kind: str, source: str) -> float:
    labels = [("kind", kind), ("source", source)]
    return found[f"campaign_consent_events_total{labels}"]


@pytest.mark.django_db(transaction=True)
def test_acts_are_counted_once_and_for_ever() -> None:
    """Sealing again counts nothing again, and an erasure takes nothing back."""
    somebody = person()
    assert acts(figures(), "opt_out", "command") == 0
    consent.opt_out(somebody, "email", BY_COMMAND)
    assert acts(figures(), "opt_out", "command") == 0, "not sealed"
    seal_all(20)
    seal_all(20)
    assert acts(figures(), "opt_out", "command") == 1
    consent.opt_out(person(), "sms", BY_COMMAND)
    privacy.erase(somebody, origin=BY_COMMAND)
    seal_all(20)
    found = figures()
    assert acts(found, "opt_out", "command") == 2
    assert acts(found, "erase", "command") == 1


def test_calls_of_providers_are_counted_over_the_days() -> None:
    for day, count in ((1, 3), (2, 4)):
        HookCount.objects.create(
            day=date(2026, 5, day), provider="twilio", outcome="accepted", count=count
        )
    found = figures()
    name = "campaign_webhook_calls_total[('outcome', '{}'), ('provider', 'twilio')]"
    assert found[name.format("accepted")] == 7
    assert found[name.format("wrong_signature")] == 0


def test_no_figure_names_an_address_or_a_token(client: Client) -> None:
    client.get("/u/a-token-that-acts-for-somebody/")
    client.generic("STEAL-0123", "/p/page/another-token-of-somebody/")
    registry = counters.registry()
    text = generate_latest(registry).decode()
    assert "token-" not in text
    assert "STEAL" not in text


def test_a_question_that_takes_too_long_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def slow() -> Iterator[Any]:
        raise gauges.TooSlow("It took longer.")
        yield

    monkeypatch.setattr(gauges, "QUESTIONS", [slow, gauges.workers])
    found = figures()
    assert found["campaign_unanswered_questions[]"] == 1
    assert found["campaign_workers[]"] == 0


def names_of_figures() -> set[str]:
    """The names that exist, of families and of their samples."""
    found = set()
    source = "".join(
        (ROOT / "campaign" / "monitoring" / name).read_text()
        for name in ("gauges.py", "counters.py", "machine.py")
    )
    for name in re.findall(r'"(campaign_[a-z_]+)"', source):
        found |= {name, f"{name}_total", f"{name}_bucket", f"{name}_count"}
    return found


def asked_for(expression: str) -> set[str]:
    return set(re.findall(r"\bcampaign_[a-z_]+", expression))


def test_alerts_name_figures_that_exist_and_a_page_for_the_night() -> None:
    groups = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) >= 8
    for rule in rules:
        assert asked_for(rule["expr"]) <= names_of_figures(), rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert (ROOT / rule["annotations"]["runbook"]).is_file(), rule["alert"]


def test_the_dashboard_shows_figures_that_exist() -> None:
    board = json.loads((MONITORING / "dashboard.json").read_text())
    shown = [t["expr"] for panel in board["panels"] for t in panel["targets"]]
    assert len(shown) >= 12
    for expression in shown:
        assert asked_for(expression)
        assert asked_for(expression) <= names_of_figures()
