"""The demo: the same invented people every time, and every rule met by some."""

import json
import socket
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.db.models import Count
from django.test import override_settings
from django.utils import timezone

from audiences import addresses, consent, landing_pages, sql as audiences_sql
from audiences.channels import Channel
from audiences.models import (
    Address,
    AddressStatus,
    ConsentEvent,
    Profile,
    Service,
    Subscription,
)
from audiences.records.verification import verify_consent
from audiences.subscriptions import active
from delivery import analysis, demo
from delivery.composing import Composer, recipients
from delivery.demo import feedback, loading, people
from delivery.feedback import figures
from delivery.models import (
    Delivery,
    EventKind,
    Message,
    MessageEvent,
    Outcome,
    QuarantineEntry,
)
from delivery.quarantine.verification import verify_quarantine
from delivery.rules import registered_rules
from tests.factories import BY_COMMAND, ProfileFactory

from .conftest import Outcome as Ended, process

PAST = [28, 21, 14, 7]

# What must be the same on every database; ids and moments may differ.
COUNTS = {
    "profiles by language and flags": """
        SELECT language, country, CAST(no_longer_contact AS INTEGER),
               CAST(no_longer_contact_email AS INTEGER),
               CAST(no_longer_contact_sms AS INTEGER), COUNT(*)
        FROM audiences_profile GROUP BY 1, 2, 3, 4, 5""",
    "addresses": """
        SELECT channel, CAST(is_primary AS INTEGER), CAST(is_valid AS INTEGER),
               quarantine_status, COUNT(*), COUNT(DISTINCT key)
        FROM audiences_address GROUP BY 1, 2, 3, 4""",
    "events": """
        SELECT kind, channel, source, COUNT(*), COUNT(DISTINCT profile_id)
        FROM audiences_consentevent GROUP BY 1, 2, 3""",
    "evidence": """
        SELECT note, actor, COUNT(*) FROM audiences_consentevidence GROUP BY 1, 2""",
    "subscriptions": """
        SELECT s.slug, u.status, COUNT(*) FROM audiences_subscription u
        JOIN audiences_service s ON s.id = u.service_id GROUP BY 1, 2""",
    "quarantine": """
        SELECT channel, status, reason, COUNT(*) FROM delivery_quarantineentry
        GROUP BY 1, 2, 3""",
    "errors": """
        SELECT channel, type, reason, text, COUNT(*) FROM delivery_addresserror
        GROUP BY 1, 2, 3, 4""",
    "messages": """
        SELECT d.label, COUNT(*) FROM delivery_message m
        JOIN delivery_delivery d ON d.id = m.delivery_id GROUP BY 1""",
    "outcomes": """
        SELECT d.label, COALESCE(r.code, ''), COUNT(*) FROM delivery_outcome o
        JOIN delivery_delivery d ON d.id = o.delivery_id
        LEFT JOIN delivery_typologyrule r ON r.id = o.rule_id GROUP BY 1, 2""",
    "people": """
        SELECT p.external_id, p.first_name, p.last_name, a.value
        FROM audiences_profile p JOIN audiences_address a ON a.profile_id = p.id
        WHERE a.is_primary AND a.channel = 'email' ORDER BY p.external_id""",
}


def counts(fetch: Callable[[str], list[Any]]) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: sorted(tuple(row) for row in fetch(sql)) for name, sql in COUNTS.items()
    }


def counts_here() -> dict[str, list[tuple[Any, ...]]]:
    return counts(audiences_sql.fetch)


# ------------------------------------------------------------------ where it refuses
@pytest.mark.django_db
def test_a_database_with_other_people_is_refused_and_left_alone(
    run: Callable[..., Ended],
) -> None:
    profile = ProfileFactory(email="jan@x.example")
    consent.opt_out(profile, "email", BY_COMMAND)
    before = counts_here()
    done = run("load_demo")
    assert (done.code, done.out) == (1, "")
    assert "DATABASE_URL" in done.err
    assert counts_here() == before
    assert not Service.objects.exists()
    assert not Delivery.objects.exists()
    with pytest.raises(demo.OtherPeople):
        demo.load()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("room", "step"),
    [(loading, "_subscribe"), (feedback, "reports"), (loading, "quarantine_list")],
)
def test_a_load_that_fails_leaves_nothing(
    room: ModuleType,
    step: str,
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[..., Ended],
) -> None:
    def fail(*arguments: Any) -> None:
        raise RuntimeError("power cut")

    before = counts_here()
    monkeypatch.setattr(people, "PEOPLE", 300)
    monkeypatch.setattr(room, step, fail)
    with pytest.raises(RuntimeError):
        run("load_demo")
    assert counts_here() == before
    assert not Service.objects.exists()
    assert not demo.is_loaded()


@pytest.mark.django_db
def test_the_demo_with_its_known_password_refuses_production(
    run: Callable[..., Ended], django_user_model: Any
) -> None:
    with override_settings(DEBUG=False):
        done = run("demo", "--no-server")
    assert (done.code, done.out) == (1, "")
    assert "DEBUG" in done.err
    assert not django_user_model.objects.exists()
    assert not Profile.objects.exists()


def test_a_taken_port_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    database = tmp_path / "demo.sqlite3"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = process(database, "demo", "--port", str(port))
    assert (done.code, done.out) == (1, "")
    assert str(port) in done.err
    assert f"PORT={port + 1}" in done.err
    assert not database.exists() or database.stat().st_size == 0


# ------------------------------------------------------------------ loaded once
@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: Any) -> Iterator[analysis.Report]:
    """The demo, loaded and analysed once; taken back after this file.

    The tests that use it are not marked with `django_db`: they only read.
    """
    with (
        django_db_blocker.unblock(),
        override_settings(PHONE_REGION="NL"),
        transaction.atomic(),
    ):
        call_command("load_demo")
        yield analysis.analyse(Delivery.objects.get(label=demo.DELIVERY))
        transaction.set_rollback(True)


@pytest.mark.usefixtures("loaded")
def test_loading_again_keeps_everything(capsys: pytest.CaptureFixture[str]) -> None:
    before = counts_here()
    call_command("load_demo")
    assert "loaded already" in capsys.readouterr().out
    assert counts_here() == before


@pytest.mark.usefixtures("loaded")
@pytest.mark.one_database
def test_two_fresh_databases_get_the_same_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHONE_REGION", "NL")
    monkeypatch.setenv("DEBUG", "1")
    database = tmp_path / "demo.sqlite3"

    def counts_there() -> dict[str, list[tuple[Any, ...]]]:
        with sqlite3.connect(database) as direct:
            return counts(lambda sql: direct.execute(sql).fetchall())

    first = process(database, "demo", "--no-server")
    assert first.code == 0, first.err
    assert demo.DELIVERY in first.out
    here, there = counts_here(), counts_there()
    for name in COUNTS:
        assert there[name] == here[name], name
    # Again on what is there: a new report of the same, one login, nothing more.
    second = process(database, "demo", "--no-server")
    assert second.code == 0, second.err
    assert counts_there() == there
    with sqlite3.connect(database) as direct:
        logins = direct.execute("SELECT username, is_superuser FROM auth_user")
        assert logins.fetchall() == [("admin", 1)]
    for verify in ("verify_consent", "verify_quarantine"):
        told = process(database, verify, "--json")
        assert told.code == 0, told.out
        assert json.loads(told.out)["consistent"]


def test_each_native_rule_excludes_somebody(loaded: analysis.Report) -> None:
    codes = [rule.code for rule in registered_rules()]
    found = {line.code: line.count for line in loaded.causes}
    assert set(codes) <= set(found)
    # In the demo nobody was erased, and nobody has asked for less yet.
    nobody = ["suppressed", "paused", "own_limit"]
    assert [code for code in codes if not found[code]] == nobody
    assert loaded.state == "ready"
    assert loaded.targeted == people.PEOPLE == Profile.objects.count()
    assert sum(found.values()) == loaded.excluded
    # Most people get it: a demo where nobody does shows nothing.
    assert loaded.to_deliver > people.PEOPLE / 2


def test_people_at_shared_addresses_are_warned_about(loaded: analysis.Report) -> None:
    (warning,) = loaded.warnings
    assert (warning.code, warning.count > 0) == ("shares_address_with_opted_out", True)
    keys = Address.objects.filter(channel="email", is_valid=True).order_by()
    shared = keys.values("key").annotate(people=Count("profile", distinct=True))
    assert shared.filter(people=2).count() > 100
    # Twins are two profiles with one address, of which one may be opted out.
    twins = Profile.objects.filter(external_id__in=["P00199", "P00200"])
    one, two = twins.order_by("external_id")
    assert [str(one), one.language] == [str(two), two.language]
    assert {address.profile_id for address in addresses.sharing(one)} == {two.pk}
    flags = (one.no_longer_contact_email, two.no_longer_contact_email)
    assert flags == (False, True)


@pytest.mark.usefixtures("loaded")
def test_the_quarantine_has_every_status_and_its_copies() -> None:
    entries = QuarantineEntry.objects.order_by().values_list("status", flat=True)
    assert set(entries.distinct()) == set(AddressStatus.values)
    copies = Address.objects.order_by().values_list("quarantine_status", flat=True)
    assert set(copies.distinct()) == set(AddressStatus.values)
    sms = QuarantineEntry.objects.filter(channel="sms", reason="stop")
    assert {entry.status for entry in sms} == {"denylisted"}
    reasons = QuarantineEntry.objects.values_list("reason", flat=True)
    assert {"user_unknown", "mailbox_full", "complaint"} <= set(reasons)
    assert "invalid_domain" in reasons  # the outage


@pytest.mark.usefixtures("loaded")
def test_there_are_services_with_subscribers_of_each_kind() -> None:
    assert dict(Service.objects.values_list("slug", "channel")) == {
        "weekly": "email",
        "offers": "email",
        "alerts": "sms",
        "recipes": "email",
    }
    now = timezone.now()
    for service in Service.objects.all():
        held = Subscription.objects.filter(service=service)
        assert held.filter(active(now)).exists()
        expired = held.filter(status="active").exclude(active(now)).exists()
        assert expired == (service.slug == "offers")
    assert Subscription.objects.filter(status="unsubscribed").exists()


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("days", PAST)
def test_a_past_delivery_has_messages_of_its_day_to_its_target(days: int) -> None:
    past = Delivery.objects.get(label=f"Weekly newsletter, {days} days ago")
    assert past.state == "ready"
    assert past.contact_date is not None
    age = timezone.now() - past.contact_date
    assert timedelta(days=days) <= age < timedelta(days=days, hours=1)
    messages = Message.objects.filter(delivery=past)
    to_deliver = Outcome.objects.filter(delivery=past, rule__isnull=True)
    assert messages.count() == to_deliver.count() > people.PEOPLE / 2
    assert not messages.exclude(sent_at__lte=timezone.now()).exists()


@pytest.mark.usefixtures("loaded")
def test_the_deliveries_are_the_past_ones_and_one_that_is_not_sent() -> None:
    labels = {f"Weekly newsletter, {days} days ago" for days in PAST}
    assert {*Delivery.objects.values_list("label", flat=True)} == {
        *labels,
        demo.DELIVERY,
    }
    assert not Message.objects.filter(delivery__label=demo.DELIVERY).exists()


@pytest.mark.usefixtures("loaded")
def test_there_are_pages_on_the_site_and_somebody_to_visit_them() -> None:
    live = {slug: landing_pages.live(slug) for slug in loading.PAGES}
    assert all(live.values())
    assert {str(page.content["kind"]) for page in live.values() if page} == {
        "acquisition",
        "preferences",
        "denylist",
    }
    visitor = Profile.objects.get(external_id=demo.VISITOR)
    address = visitor.addresses.get(channel=Channel.EMAIL, is_primary=True)
    assert address.quarantine_status == AddressStatus.VALID
    assert not visitor.no_longer_contact_email
    subscribed = visitor.subscriptions.filter(active(timezone.now()))
    assert subscribed.count() == Service.objects.count()


@pytest.mark.usefixtures("loaded")
def test_no_email_address_can_belong_to_anybody() -> None:
    emails = Address.objects.filter(channel=Channel.EMAIL)
    outside = emails.exclude(key__endswith=".example")
    assert list(outside.values_list("value", flat=True)) == []
    assert {*emails.filter(is_valid=False).values_list("is_primary", flat=True)} == {
        True
    }
    odd = [v for v in emails.values_list("value", flat=True) if " at " in v]
    assert len(odd) == emails.filter(is_valid=False).count() > 0
    numbers = Address.objects.filter(channel__in=["sms", "phone"])
    assert numbers.filter(key__startswith="+31").count() == numbers.count() > 0
    assert not Address.objects.filter(channel__in=["push", "fax"]).exists()


@pytest.mark.usefixtures("loaded")
def test_the_history_shows_who_did_what_and_an_opt_in() -> None:
    sources = ConsentEvent.objects.order_by().values_list("source", flat=True)
    assert {"import", "operator", "landing_page", "one_click"} <= set(sources)
    kinds = ConsentEvent.objects.order_by().values_list("kind", flat=True)
    assert set(kinds) == {
        *("opt_out", "opt_in", "subscribe", "unsubscribe", "request"),
    }
    back = ConsentEvent.objects.filter(kind="opt_in").select_related("evidence")
    assert all(event.evidence.note and event.evidence.actor for event in back)
    assert not ConsentEvent.objects.filter(at__gt=timezone.now()).exists()


@pytest.mark.usefixtures("loaded")
def test_everything_agrees_with_its_history_and_evidence() -> None:
    assert verify_consent().is_consistent
    assert list(verify_quarantine()) == []


@pytest.mark.usefixtures("loaded")
def test_every_figure_about_complaints_is_of_the_same_facts() -> None:
    """What came back, by delivery; the quarantine on the home page; the items."""
    by_delivery = sum(row.complaints for row in figures.complaints_by_delivery())
    events = MessageEvent.objects.filter(kind=EventKind.COMPLAINT)
    quarantined = QuarantineEntry.objects.filter(reason="complaint")
    assert by_delivery == events.count() == quarantined.count() > 10
    assert events.filter(item__source="mail").count() == by_delivery


@pytest.mark.usefixtures("loaded")
def test_the_mails_carry_the_organisation() -> None:
    delivery = Delivery.objects.get(label=demo.DELIVERY)
    visitor = Profile.objects.get(external_id=demo.VISITOR)
    with override_settings(DEFAULT_FROM_EMAIL=loading.SENDER):
        (mail,) = Composer(delivery).compose(recipients(delivery, [visitor.pk]))
    assert isinstance(mail.body, bytes)
    for said in (b"From: Riverside Library <", b"Quay Street 1", b"/privacy"):
        assert said in mail.body
