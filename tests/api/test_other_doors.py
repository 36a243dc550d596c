"""What holds at every door holds at this one: suppressed and restricted people."""

from typing import Any

import pytest

from audiences import privacy
from audiences.consent import Origin
from audiences.models import ConsentEvent, Profile, Subscription
from audiences.privacy import requests
from tests.factories import ServiceFactory
from tests.people import person

from .conftest import Program

pytestmark = pytest.mark.django_db
BY = Origin(source="operator", actor="eva", note="asked")
OPT_IN = {"action": "opt_in", "channel": "email", "note": "asked on the phone"}

SUBSCRIBE = {"action": "subscribe", "service": "news", "note": "asked on the phone"}


def _results(answer: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.data["items"]
    return found


def test_nobody_whose_data_is_restricted_is_changed(shop: Program) -> None:
    ann = person(email="ann@example.org", external_id="A1")
    asked = requests.record(ann, "restriction", "please hold", actor="eva")
    requests.decide(asked, is_granted=True, actor="olga", note="held")
    ServiceFactory(slug="news")
    bob = person(email="bob@example.org", external_id="B1", out="email")
    for name in ("ext:B1", "ext:A1"):
        seen = ConsentEvent.objects.filter(profile=ann).count()
        shop.post("consent", {"items": [{"profile": name, **OPT_IN}]})
        shop.post("subscriptions", {"items": [SUBSCRIBE | {"profile": name}]})
        shop.patch(f"profiles/{name}", {"first_name": "Other"})
        assert ConsentEvent.objects.filter(profile=ann).count() == seen
    # The same calls change whoever is free.
    bob.refresh_from_db()
    assert (bob.first_name, bob.no_longer_contact_email) == ("Other", False)
    assert Subscription.objects.get().profile == bob
    ann.refresh_from_db()
    assert (ann.first_name != "Other", ann.no_longer_contact) == (True, True)


def test_whoever_was_erased_comes_back_and_cannot_be_contacted(shop: Program) -> None:
    privacy.erase(person(email="gone@example.org"), origin=BY)
    for spelling in (
        "gone@example.org",
        "GONE@Example.org ",
        "mailto:gone@example.org",
    ):
        made = shop.post("profiles", {"addresses": {"email": [spelling]}})
        asked = {"channel": "email", "addresses": [spelling]}
        (found,) = _results(shop.post("contactable", asked))
        assert (found["contactable"], made.status_code < 500) == (False, True), spelling
    for pk in Profile.objects.values_list("pk", flat=True):
        shop.post("consent", {"items": [{"profile": f"id:{pk}", **OPT_IN}]})
        asked = {"channel": "email", "profiles": [f"id:{pk}"]}
        (found,) = _results(shop.post("contactable", asked))
        assert found["contactable"] is False


def test_a_try_writes_nothing_even_under_a_key_that_is_kept(shop: Program) -> None:
    ann = person(email="ann@example.org")
    items = {
        "items": [{"profile": f"id:{ann.pk}", "action": "opt_out", "channel": "any"}]
    }
    tried = shop.post("consent?dry_run=true", items, Idempotency_Key="one")
    assert tried.status_code == 200
    ann.refresh_from_db()
    assert not ann.no_longer_contact
    shop.post("consent", items, Idempotency_Key="one")
    ann.refresh_from_db()
    assert ann.no_longer_contact
