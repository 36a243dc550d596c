"""Whom another system may contact: the same rules as the last check, for a thousand."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences import suppression, wishes
from audiences.privacy import requests
from audiences.suppression import Entry, Reason
from delivery import quarantine
from delivery.models import Delivery
from delivery.rules import writing
from tests.factories import ProfileFactory, ServiceFactory
from tests.people import ORIGIN, ago, got, is_, person, subscribed, tree

from .conftest import Program

pytestmark = pytest.mark.django_db


def ask(shop: Program, **facts: Any) -> dict[str, list[str]]:
    answer = shop.post("contactable", {"channel": "email", **facts})
    assert answer.status_code == 200, answer.content
    rows = answer.data["items"]
    assert all(row["contactable"] == (not row["causes"]) for row in rows)
    return {row.get("address", row.get("profile")): row["causes"] for row in rows}


def test_all_causes_are_told_in_the_order_of_the_rules(shop: Program) -> None:
    free = person(email="free@example.org")
    out = person(email="out@example.org", out="email")
    person(email="bad@example.org", out="any")
    quarantine.set_status("email", "bad@example.org", "quarantine", source="operator")
    suppression.suppress([Entry("email", "bad@example.org", "any", Reason.BY_HAND)])
    none = person(sms="+31612345678")
    got = ask(
        shop,
        profiles=[f"id:{free.pk}", out.pk, "bad@example.org", f"id:{none.pk}", "who"],
    )
    assert got == {
        f"id:{free.pk}": [],
        out.pk: ["denylist_channel"],
        "bad@example.org": [
            "suppressed",
            "denylist_any_channel",
            "address_quarantined",
        ],
        f"id:{none.pk}": ["address_missing"],
        "who": ["unknown"],
    }
    by_address = ask(
        shop,
        addresses=[
            "Free@Example.org",
            "out@example.org",
            "bad@example.org",
            "x@y.zz",
            "?",
        ],
    )
    assert by_address == {
        "Free@Example.org": [],
        "out@example.org": ["denylist_channel"],
        "bad@example.org": [
            "suppressed",
            "denylist_any_channel",
            "address_quarantined",
        ],
        "x@y.zz": ["unknown"],
        "?": ["address_invalid"],
    }


def test_an_address_is_free_when_everybody_who_has_it_is(shop: Program) -> None:
    person(email="twin@example.org")
    assert ask(shop, addresses=["twin@example.org"]) == {"twin@example.org": []}
    person(email="twin@example.org", out="email")
    assert ask(shop, addresses=["twin@example.org"]) == {
        "twin@example.org": ["denylist_channel"]
    }


@pytest.mark.parametrize("purpose", Delivery.Purpose.values)
def test_purpose_and_service_decide_as_in_a_delivery(
    shop: Program, purpose: str
) -> None:
    news = ServiceFactory(slug="news")
    out = person(email="out@example.org", out="email")
    subscribed(person(email="in@example.org"), news)
    got = ask(
        shop,
        purpose=purpose,
        service="news",
        addresses=["out@example.org", "in@example.org"],
    )
    expected = ["denylist_channel"] if purpose == "marketing" else []
    assert got == {
        "out@example.org": [*expected, "not_subscribed"],
        "in@example.org": [],
    }
    assert out.pk


def test_the_number_of_statements_does_not_grow(shop: Program) -> None:
    people = [ProfileFactory(email=f"p{n}@example.org") for n in range(40)]
    counts = []
    for some in (people[:5], people[:5], people):
        with CaptureQueriesContext(connection) as seen:
            got = ask(shop, addresses=[f"p{n}@example.org" for n in range(len(some))])
        assert set(map(tuple, got.values())) == {()}
        counts.append(len(seen))
    assert counts[1] == counts[2]


def test_a_rule_counts_from_when_it_is_written(shop: Program) -> None:
    jan = person(email="jan@example.org", country="XX")
    everybody = {"profiles": [jan.pk]}
    assert ask(shop, **everybody) == {jan.pk: []}
    rule = writing.create_filtering_rule("land", condition=tree(is_("country", "XX")))
    typology = writing.default_typology()
    writing.set_rules(typology, [rule])
    assert ask(shop, **everybody) == {jan.pk: ["filter:land"]}
    type(rule).objects.update(condition=tree(is_("country", "NL")))
    assert ask(shop, **everybody) == {jan.pk: []}
    addresses = {"addresses": ["jan@example.org"]}
    assert ask(shop, **addresses) == {"jan@example.org": []}
    wishes.express(jan, "email", ORIGIN, per_month=1)
    got(jan, ago(2))
    assert ask(shop, **addresses) == {"jan@example.org": ["own_limit"]}


def test_ids_of_nobody_and_names_of_all_kinds(shop: Program) -> None:
    jan = person(email="jan@example.org", external_id="C-1")
    names = [
        f" id:{jan.pk}",
        f"id: {jan.pk} ",
        "ext:C-1",
        "C-1",
        "addr:Jan@example.org",
    ]
    unknown = ["id:0", "id:x", "id:", f"id:{2**63}", "ext:c", "addr:j@x.org", 2**62]
    out = ask(shop, profiles=[*names, *unknown])
    found = {name for name, causes in out.items() if not causes}
    assert found == {*names[1:]}
    assert all(causes in ([], ["unknown"]) for causes in out.values())


def test_names_come_back_as_they_were_given_in_their_order(shop: Program) -> None:
    names = [
        'a"b',
        "a\\b",
        "Zoë 李",
        "tab\there",
        "\u2028",
        "</x>",
        "ann@x.org",
        7,
        "7",
    ]
    answer = shop.post("contactable", {"channel": "email", "profiles": [*names, 7]})
    assert [item["profile"] for item in answer.data["items"]] == [*names, 7]
    texts = [name for name in names if isinstance(name, str)]
    answer = shop.post("contactable", {"channel": "email", "addresses": texts * 2})
    assert [item["address"] for item in answer.data["items"]] == texts * 2
    for item in answer.data["items"]:
        assert list(item) == ["address", "contactable", "causes"]


def test_either_addresses_or_profiles(shop: Program) -> None:
    for facts in ({}, {"addresses": ["a@b.nl"], "profiles": [1]}, {"addresses": []}):
        assert (
            shop.post("contactable", {"channel": "email", **facts}).status_code == 422
        )


def test_what_ends_counts_until_its_moment(
    shop: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements are composed for some seconds, and ask for the moment of each call."""
    begin = timezone.now()
    ends = begin + timedelta(seconds=2)
    news = ServiceFactory.create(slug="news", channel="email")
    subscriber, pausing = person(email="ann@a.nl"), person(email="ben@a.nl")
    subscribed(subscriber, news, expires_at=ends)
    subscribed(pausing, news)
    wishes.express(pausing, "email", ORIGIN, paused_until=ends)
    whom = ["ann@a.nl", "ben@a.nl"]

    monkeypatch.setattr(timezone, "now", lambda: begin)
    before = ask(shop, service="news", addresses=whom)
    later = ends + timedelta(milliseconds=1)
    monkeypatch.setattr(timezone, "now", lambda: later)

    assert before == {"ann@a.nl": [], "ben@a.nl": ["paused"]}
    assert ask(shop, service="news", addresses=whom) == {
        "ann@a.nl": ["not_subscribed"],
        "ben@a.nl": [],
    }


def test_whose_data_is_restricted_gets_only_what_the_law_demands(shop: Program) -> None:
    held, free = person(email="held@a.nl"), person(email="free@a.nl")
    asked = requests.record(held, "restriction", "please hold", actor="eva")
    requests.decide(asked, is_granted=True, actor="olga")
    lifted = requests.record(free, "restriction", "please hold", actor="eva")
    requests.decide(lifted, is_granted=True, actor="olga")
    requests.lift(lifted, actor="olga", note="asked again")

    def causes(purpose: str) -> list[list[str]]:
        by_address = ask(
            shop, purpose=purpose, addresses=["held@a.nl", "free@a.nl"]
        ).values()
        by_id = ask(shop, purpose=purpose, profiles=[held.pk, free.pk]).values()
        assert [*by_address] == [*by_id]
        return [*by_id]

    assert causes("transactional") == [["denylist_any_channel"], []]
    assert causes("legal") == [[], []]
