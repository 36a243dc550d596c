"""Opting in and out by a program: one person or a thousand, each with its result."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences import consent, subscriptions
from audiences.consent import Origin, events_of
from audiences.models import ConsentEvidence, Profile, Subscription
from audiences.records.verification import verify_consent
from audiences.selections.undoing import NotUndone, undo
from tests.factories import ProfileFactory, ServiceFactory
from tests.people import person, subscribed

from .conftest import Program

pytestmark = pytest.mark.django_db


def out(profile: str, channel: str = "email", **facts: Any) -> dict[str, Any]:
    return {"profile": profile, "action": "opt_out", "channel": channel, **facts}


def into(profile: str, channel: str = "email", **facts: Any) -> dict[str, Any]:
    return {"profile": profile, "action": "opt_in", "channel": channel, **facts}


def test_an_opt_out_is_committed_with_the_name_of_the_key(shop: Program) -> None:
    ann = person(email="ann@example.org")
    answer = shop.post(
        "consent", {"items": [out("ann@example.org", source="chat", note="asked")]}
    )
    assert answer.status_code == 200, answer.content
    assert answer.data["items"][0]["status"] == "changed"
    ann.refresh_from_db()
    assert ann.no_longer_contact_email
    event = events_of(ann.pk).get()
    assert (event.source, event.pk) == ("api", answer.data["items"][0]["event"])
    proof = ConsentEvidence.objects.get(event=event)
    assert (proof.actor, proof.note) == ("api:shop", "chat: asked")
    assert verify_consent().is_consistent


def test_each_item_has_its_own_result(shop: Program) -> None:
    person(email="ann@example.org")
    person(email="bob@example.org", out="email")
    person(email="twin@example.org"), person(email="twin@example.org")
    items = [
        out("ann@example.org"),
        out("ann@example.org"),
        out("nobody@example.org"),
        out("twin@example.org"),
        into("bob@example.org"),
        into("bob@example.org", note="by phone"),
        into("ann@example.org", wording="page-3"),
        out("ann@example.org", "any"),
    ]
    answer = shop.post("consent", {"items": items})
    got = [
        (row["status"], row.get("error", {}).get("code"))
        for row in answer.data["items"]
    ]
    assert got == [
        ("changed", None),
        ("unchanged", None),
        ("failed", "not_found"),
        ("failed", "ambiguous"),
        ("failed", "proof_needed"),
        ("changed", None),
        ("changed", None),
        ("changed", None),
    ]
    assert answer.data["changed"] == 4
    assert verify_consent().is_consistent


def test_what_lies_in_the_future_is_refused_and_the_others_go_on(
    shop: Program,
) -> None:
    person(email="ann@example.org", external_id="A1")
    later = (timezone.now() + timedelta(days=1)).isoformat()
    items = [out("ext:A1", "sms", at=later), out("nobody", at=later), out("ext:A1")]
    answer = shop.post("consent", {"items": items})
    assert [row["status"] for row in answer.data["items"]] == [
        *("failed", "failed", "changed")
    ]
    ahead, unknown, _done = answer.data["items"]
    assert (ahead["error"]["code"], ahead["error"]["field"]) == ("lies_ahead", "at")
    assert unknown["error"]["code"] == "not_found"
    ann = Profile.objects.get()
    assert (ann.no_longer_contact_sms, ann.no_longer_contact_email) == (False, True)


def test_what_is_not_as_described_is_refused(shop: Program) -> None:
    person(email="ann@example.org")
    for item in (
        out("ann@example.org", at="2026-01-01T10:00:00"),
        out("ann@example.org", "pigeon"),
        out("ann@example.org", loud=True),
        {"profile": "ann@example.org"},
    ):
        answer = shop.post("consent", {"items": [item]})
        assert answer.status_code == 422, item
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.data["errors"][0]["field"].startswith("items.0")
    assert not Profile.objects.filter(no_longer_contact_email=True).exists()


def test_a_thousand_take_as_many_statements_as_ten(shop: Program) -> None:
    people = [ProfileFactory(external_id=f"N{n}") for n in range(60)]
    counts = []
    for some in (people[:10], people[10:]):
        items = [out(f"ext:{p.external_id}", note=f"no {p.pk}") for p in some]
        with CaptureQueriesContext(connection) as seen:
            assert shop.post("consent", {"items": items}).data["changed"] == len(some)
        counts.append(len(seen))
    # The first call also notes that the key is used.
    assert counts[1] <= counts[0]


def test_subscriptions_of_many_services_at_once(shop: Program) -> None:
    news, sms = ServiceFactory(slug="news"), ServiceFactory(slug="sms", channel="sms")
    asks = ServiceFactory(slug="asks", double_opt_in=True)
    ann, bob = person(email="ann@example.org"), person(email="bob@example.org")
    items = [
        {"profile": f"id:{ann.pk}", "service": "news", "action": "subscribe"},
        {"profile": f"id:{bob.pk}", "service": "sms", "action": "subscribe"},
        {"profile": f"id:{bob.pk}", "service": "sms", "action": "unsubscribe"},
        {"profile": f"id:{bob.pk}", "service": "sms", "action": "subscribe"},
        {"profile": f"id:{ann.pk}", "service": "asks", "action": "request"},
        {"profile": f"id:{ann.pk}", "service": "none", "action": "subscribe"},
    ]
    answer = shop.post("subscriptions", {"items": items})
    got = [row["status"] for row in answer.data["items"]]
    assert got == ["changed"] * 3 + ["failed", "changed", "failed"], answer.data
    held = {(s.profile_id, s.service_id): s.status for s in Subscription.objects.all()}
    assert held == {
        (ann.pk, news.pk): "active",
        (bob.pk, sms.pk): "unsubscribed",
        (ann.pk, asks.pk): "pending",
    }
    assert verify_consent().is_consistent


def test_the_history_comes_in_pages(shop: Program) -> None:
    ann = person(email="ann@example.org")
    for channel in ("email", "sms", "any"):
        shop.post("consent", {"items": [out(f"id:{ann.pk}", channel)]})
    first = shop.get(f"consent?profile=id:{ann.pk}&limit=2").data
    rest = shop.get(
        f"consent?profile=id:{ann.pk}&limit=2&cursor={first['cursor']}"
    ).data
    assert [e["channel"] for e in first["items"] + rest["items"]] == [
        "any",
        "sms",
        "email",
    ]
    assert rest["cursor"] is None


def test_what_an_operator_did_before_is_on_record_and_cannot_be_undone(
    shop: Program,
) -> None:
    news = ServiceFactory(slug="news")
    ann, bob = person(email="ann@example.org"), person(email="bob@example.org")
    subscribed(ann, news)
    eva = Origin(source="operator", actor="eva", note="by phone")
    done = [
        consent.opt_out(ann, "email", eva).event_id,
        subscriptions.unsubscribe(ann, news, eva).event_id,
        consent.opt_out(bob, "email", eva).event_id,
    ]
    ends = {"profile": f"id:{ann.pk}", "service": "news", "action": "unsubscribe"}
    for _twice in range(2):
        said = shop.post("consent", {"items": [out(f"id:{ann.pk}")] * 2}).data
        assert said["unchanged"] == 2
        assert shop.post("subscriptions", {"items": [ends]}).data["unchanged"] == 1
    assert events_of(ann.pk).filter(source="api").count() == 2
    for event in done[:2]:
        with pytest.raises(NotUndone):
            undo(event or 0, actor="eva")
    assert undo(done[2] or 0, actor="eva")
    ann.refresh_from_db()
    assert ann.no_longer_contact_email
    assert verify_consent().is_consistent
