"""A restriction: until it is lifted nothing is sent to the person, nor changed."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from audiences import addresses, consent, subscriptions
from audiences.consent import ConsentError, Origin
from audiences.models import Address, ConsentEvent, Profile, Service
from audiences.privacy import requests
from audiences.selections import bulk_acts
from audiences.suppression.restriction import Restricted
from delivery import deliveries
from delivery.sending.last_check import LastCheck
from tests.people import causes, person, subscribed

pytestmark = pytest.mark.django_db
BY = Origin(source="operator", actor="eva", note="asked by phone")
EMAIL = "ann@shop.example"


def restrict(profile: Profile) -> Any:
    asked = requests.record(profile, "restriction", actor="eva")
    return requests.decide(asked, is_granted=True, actor="olga")


def ann() -> Profile:
    profile = person(
        first_name="Ann", external_id="A-1", email=EMAIL, sms="+31612345678"
    )
    addresses.attach(profile, "email", "ann2@shop.example")
    service = Service.objects.create(slug="news", label="News", channel="email")
    gone = Service.objects.create(slug="gone", label="Gone", channel="email")
    subscribed(profile, gone, "unsubscribed")
    other = Service.objects.create(slug="other", label="Other", channel="email")
    subscribed(profile, other)
    assert service.pk
    return profile


def state(profile: Profile) -> dict[str, Any]:
    """All that a door may want to change."""
    return {
        "profile": Profile.objects.values().get(pk=profile.pk),
        "addresses": list(profile.addresses.order_by("pk").values()),
        "subscriptions": list(profile.subscriptions.order_by("pk").values()),
        "events": ConsentEvent.objects.filter(profile=profile).count(),
    }


def _service(slug: str = "news") -> Service:
    return Service.objects.get(slug=slug)


def _second(profile: Profile) -> Address:
    return profile.addresses.get(key="ann2@shop.example")


def _imported(command: str, text: str, *options: str) -> str:
    file = Path(f"{command}.csv")
    file.write_text(text)
    rejects = Path("rejects.csv")
    call_command(
        command, str(file), *options, "--rejects", str(rejects), stdout=io.StringIO()
    )
    return rejects.read_text()


def _console(profile: Profile, path: str, **data: Any) -> str:
    client = Client()
    client.force_login(User.objects.create_superuser(f"root{User.objects.count()}"))
    url = f"/admin/audiences/profile/{profile.pk}/{path}"
    answer = client.post(url, data, follow=True)
    return answer.content.decode()


def _form(profile: Profile, **changed: Any) -> str:
    shown = {
        **{name: getattr(profile, name) or "" for name in ("first_name", "last_name")},
        "external_id": "A-1",
        "language": "",
        "country": "",
        "message_limit": "",
    }
    seen = {f"initial-{name}": value for name, value in shown.items()}
    flags = {"no_longer_contact": "on", "initial-no_longer_contact": "True"}
    return _console(profile, "change/", **(shown | seen | flags | changed))


def _bulk(act: str, **details: str) -> str:
    done = bulk_acts.begin(act, {}, actor="eva", note="asked", details=details)
    return "restricted" if not done.changed else "changed"


# Each door by which somebody may change a person, and where the refusal is said.
DOORS: dict[str, Callable[[Profile], object]] = {
    "attach": lambda p: addresses.attach(p, "email", "new@shop.example"),
    "attach, another spelling": lambda p: addresses.attach(p, "email", EMAIL.upper()),
    "make primary": lambda p: addresses.make_primary(_second(p)),
    "detach": lambda p: addresses.detach(_second(p)),
    "subscribe": lambda p: subscriptions.subscribe(p, _service(), BY),
    "revive": lambda p: subscriptions.subscribe(p, _service("gone"), BY),
    "request": lambda p: subscriptions.request(p, _service(), BY),
    "opt in": lambda p: consent.opt_in(p, "any", BY),
    "bulk opt in": lambda p: _bulk("opt_in", scope="any"),
    "bulk subscribe": lambda p: _bulk("subscribe", service="news"),
    "command": lambda p: call_command("subscribe", "A-1", "news", note="asked"),
    "console: form": lambda p: _form(p, first_name="Anna"),
    "console: form, opt in": lambda p: _form(p, no_longer_contact="", note="asked"),
    "console: message limit": lambda p: _form(p, message_limit="3"),
    "console: add address": lambda p: _console(
        p, "addresses/add/", channel="email", address="new@shop.example"
    ),
    "console: primary": lambda p: _console(
        p, "addresses/primary/", address=_second(p).pk
    ),
    "console: remove address": lambda p: _console(
        p, "addresses/remove/", address=_second(p).pk
    ),
    "console: subscribe": lambda p: _console(
        p, "subscribe/", service=_service().pk, note="asked"
    ),
    "import by id": lambda p: _imported(
        "import_profiles", "external_id,first_name\nA-1,Anna\n"
    ),
    "import by email": lambda p: _imported(
        "import_profiles", f"email,last_name,sms\n{EMAIL},X,+31687654321\n"
    ),
    "import that opts in": lambda p: _imported(
        "import_profiles",
        "external_id,no_longer_contact\nA-1,0\n",
        "--allow-opt-in",
        "--note=asked",
    ),
    "import of subscriptions": lambda p: _imported(
        "import_subscriptions", "external_id,service,action\nA-1,news,subscribe\n"
    ),
}


@pytest.mark.parametrize("door", DOORS)
def test_no_door_changes_a_restricted_person(
    door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    profile = ann()
    asked = restrict(profile)
    profile.refresh_from_db()
    before = state(profile)
    try:
        said = str(DOORS[door](profile))
    except (Restricted, ConsentError, CommandError) as refusal:
        said = str(refusal)
    assert "restricted" in said
    assert state(profile) == before
    # The same door is open once the restriction is lifted.
    requests.lift(asked, actor="olga", note="verified")
    profile.refresh_from_db()
    if door in (
        "opt in",
        "bulk opt in",
        "import that opts in",
        "console: form, opt in",
    ):
        consent.opt_out(profile, "any", BY)
    profile.refresh_from_db()
    before = state(profile)
    DOORS[door](profile)
    assert state(profile) != before


def test_what_restricts_is_still_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    profile = ann()
    restrict(profile)
    said = _imported(
        "import_profiles",
        "external_id,first_name,no_longer_contact_sms\nA-1,Anna,1\n",
    )
    (row,) = csv.DictReader(io.StringIO(said))
    assert "restricted" in str(row)
    profile.refresh_from_db()
    assert (profile.first_name, profile.no_longer_contact_sms) == ("Ann", True)
    said = _imported(
        "import_subscriptions", "external_id,service,action\nA-1,other,unsubscribe\n"
    )
    assert profile.subscriptions.get(service__slug="other").status == "unsubscribed"
    _form(profile, no_longer_contact_fax="on")
    profile.refresh_from_db()
    assert profile.no_longer_contact_fax


@pytest.mark.parametrize(
    ("purpose", "cause"),
    [
        ("marketing", "denylist_any_channel"),
        ("transactional", "denylist_any_channel"),
        ("legal", None),
    ],
)
def test_only_what_the_law_demands_reaches_a_restricted_person(
    purpose: str, cause: str | None
) -> None:
    held, free, out = ann(), person(email="bob@shop.example"), person()
    addresses.attach(out, "email", "cor@shop.example")
    consent.opt_out(out, "any", BY)
    delivery = deliveries.create(
        "News", channel="email", purpose=purpose, purpose_note="why"
    )
    assert causes(delivery)[held.pk] is None
    asked = restrict(held)
    # After the analysis: the last check finds it.
    found = LastCheck(delivery).excluded(held.pk, out.pk)
    assert found.get(held.pk) == cause
    assert free.pk not in found
    assert causes(delivery)[held.pk] == cause
    assert (causes(delivery)[out.pk] is None) is (purpose != "marketing")
    requests.lift(asked, actor="olga", note="verified")
    assert causes(delivery)[held.pk] is None
