"""Subscribing by a program: a thousand at once is the same as one after the other."""

import random
from typing import Any

import pytest
from django.conf import settings as site
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audiences.models import (
    ConsentEvent,
    OutboxMail,
    Profile,
    RequestCount,
    Service,
    Subscription,
)
from audiences.privacy import requests
from audiences.records.verification import verify_consent
from audiences.subscriptions.messages import last_request
from tests.factories import ServiceFactory
from tests.people import person

from .conftest import Program

pytestmark = pytest.mark.django_db
SLUGS = ("news", "asks", "tells", "closed")


@pytest.fixture
def services() -> None:
    ServiceFactory(slug="news")
    ServiceFactory(slug="asks", double_opt_in=True)
    ServiceFactory(
        slug="tells",
        double_opt_in=True,
        subscribed_message="default",
        unsubscribed_message="default",
    )
    ServiceFactory(slug="closed", double_opt_in=True, is_closed=True)
    ServiceFactory(slug="text", double_opt_in=True, channel="sms")


def item(profile: Profile, service: str, action: str, **facts: Any) -> dict[str, Any]:
    name = f"id:{profile.pk}"
    return {"profile": name, "service": service, "action": action, **facts}


def people(mark: str) -> list[Profile]:
    """Six people: one without an address, one restricted, one opted out."""
    made = [person(email=f"p{n}@{mark}.example") for n in range(4)]
    made.append(person())
    held = requests.record(made[0], "restriction", "hold", actor="eva")
    requests.decide(held, is_granted=True, actor="olga", note="held")
    made.append(person(email=f"p5@{mark}.example", out="email"))
    return made


def said(row: dict[str, Any]) -> tuple[Any, ...]:
    error = row.get("error") or {}
    facts = (row["status"], row.get("warning"), error.get("code"), error.get("field"))
    return (*facts, "event" in row)


def left(some: list[Profile]) -> list[Any]:
    """What is on record of people, without their ids."""
    return [
        (
            sorted(
                Subscription.objects.filter(profile=one).values_list(
                    "service__slug", "status"
                )
            ),
            [
                *ConsentEvent.objects.filter(profile=one)
                .order_by("pk")
                .values_list("kind", "service__slug")
            ],
            sorted(
                (mail.kind, mail.channel, mail.language, mail.context["service"])
                for mail in OutboxMail.objects.exclude(kind="privacy")
                if mail.context["profile"] == one.pk
            ),
        )
        for one in some
    ]


@pytest.mark.parametrize("seed", range(8))
def test_at_once_is_the_same_as_one_after_the_other(
    shop: Program, services: None, seed: int
) -> None:
    one, many = people("one"), people("many")
    choose = random.Random(seed)
    plan = [
        (
            choose.randrange(len(one)),
            choose.choice(SLUGS),
            choose.choice(["subscribe", "request", "request", "unsubscribe"]),
            choose.choice([{}, {"source": "shop"}, {"note": "asked"}]),
            choose.choice(["", "nl"]),
        )
        for _n in range(60)
    ]
    items = [
        [item(who[n], slug, way, language=code, **f) for n, slug, way, f, code in plan]
        for who in (one, many)
    ]
    single = [
        shop.post("subscriptions", {"items": [each]}).data["items"][0]
        for each in items[0]
    ]
    together = shop.post("subscriptions", {"items": items[1]}).data["items"]
    assert [said(row) for row in together] == [said(row) for row in single]
    assert left(many) == left(one)
    for held in Subscription.objects.filter(status="pending"):
        mails = [
            mail.context["event"]
            for mail in OutboxMail.objects.filter(kind="request")
            if mail.context["profile"] == held.profile_id
            and mail.context["service"] == held.service_id
        ]
        assert not mails or mails[-1] <= (last_request(held) or 0)
    assert verify_consent().is_consistent


@pytest.mark.parametrize("action", ["request", "subscribe", "unsubscribe"])
@pytest.mark.parametrize("again", [False, True])
def test_a_thousand_cost_as_many_statements_as_ten(
    shop: Program, services: None, action: str, again: bool
) -> None:
    crowd = [person(email=f"p{n}@example.org") for n in range(60)]
    counts = []
    shop.get("services")
    for some in (crowd[:10], crowd[10:]):
        if action == "unsubscribe" or again:
            first = "request" if action == "request" else "subscribe"
            begun = [item(one, "tells", first) for one in some]
            shop.post("subscriptions", {"items": begun})
            OutboxMail.objects.update(created_at="2026-01-01T00:00:00Z")
        items = [item(one, "tells", action) for one in some]
        with CaptureQueriesContext(connection) as seen:
            answer = shop.post("subscriptions", {"items": items}).data
        assert answer["failed"] == 0
        counts.append(len(seen))
    assert counts[0] == counts[1] < 30, [q["sql"][:90] for q in seen]


def test_the_limits_of_pages_hold_for_a_batch(shop: Program, services: None) -> None:
    ann, bob = person(email="ann@example.org"), person(email="a.n.n+x@example.org")
    cap = site.REQUESTS_PER_ADDRESS
    for n in range(cap + 3):
        ServiceFactory(slug=f"s{n}", double_opt_in=True)
    items = [item(ann, f"s{n}", "request") for n in range(cap + 2)]
    rows = shop.post("subscriptions", {"items": items}).data["items"]
    unsent = ["No message" in row["warning"] for row in rows]
    assert unsent == [False] * cap + [True, True]
    assert OutboxMail.objects.count() == cap
    # The same mailbox in other letters has had as many.
    (row,) = shop.post(
        "subscriptions", {"items": [item(bob, f"s{cap + 2}", "request")]}
    ).data["items"]
    assert "No message" in row["warning"]
    assert OutboxMail.objects.count() == cap
    assert Subscription.objects.filter(status="pending").count() == cap + 3


def test_a_request_is_sent_again_for_the_event_that_waits(
    shop: Program, services: None
) -> None:
    ann = person(email="ann@example.org", sms="+31612345678")
    ask = {"items": [item(ann, "asks", "request"), item(ann, "text", "request")]}
    first = shop.post("subscriptions", ask).data["items"]
    twice = shop.post("subscriptions", ask).data["items"]
    assert [row["status"] for row in first + twice] == ["changed"] * 2 + [
        "unchanged"
    ] * 2
    assert OutboxMail.objects.count() == 2, "a button that is pressed twice asks once"
    OutboxMail.objects.update(created_at="2026-01-01T00:00:00Z")
    RequestCount.objects.all().delete()
    shop.post("subscriptions", ask)
    mails = [
        *OutboxMail.objects.order_by("pk").values_list("channel", "context__event")
    ]
    events = [row["event"] for row in first]
    assert mails == [*zip(["email", "sms"], events, strict=True)] * 2
    assert Service.objects.count() == 5


def test_where_somebody_asked_revives_nothing_by_any_word(
    shop: Program, services: None
) -> None:
    ann = person(email="ann@example.org")
    shop.post("subscriptions", {"items": [item(ann, "news", "subscribe")]})
    shop.post("subscriptions", {"items": [item(ann, "news", "unsubscribe")]})
    for way in ("subscribe", "request"):
        asked = item(ann, "news", way, source="webshop")
        (row,) = shop.post("subscriptions", {"items": [asked]}).data["items"]
        assert (row["status"], row["error"]["field"]) == ("failed", "note"), way
        assert row["error"]["code"] == "note_needed"
    (row,) = shop.post(
        "subscriptions", {"items": [item(ann, "closed", "request")]}
    ).data["items"]
    assert (row["error"]["code"], row["error"]["field"]) == (
        "service_closed",
        "service",
    )


def test_a_request_of_somebody_without_an_address_says_that_nobody_is_asked(
    shop: Program,
) -> None:
    ServiceFactory(slug="news", double_opt_in=True)
    person(external_id="A1")
    person(external_id="B2", email="bob@example.org")
    items = [
        {"profile": name, "service": "news", "action": "request"}
        for name in ("ext:A1", "ext:B2")
    ]
    nobody, asked = shop.post("subscriptions", {"items": items}).data["items"]
    assert (nobody["status"], asked["status"]) == ("changed", "changed")
    assert "no valid address" in nobody["warning"]
    assert "until the person confirms" in asked["warning"]
