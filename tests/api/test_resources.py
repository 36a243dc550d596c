"""The other resources do what pages and commands do, and say it in their own words."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from audiences.consent import events_of
from audiences.models import Audience, ImportRun, Profile
from delivery import analysis, deliveries
from delivery.models import AddressError, Message
from tests.factories import ServiceFactory
from tests.people import person

from .conftest import Program

pytestmark = pytest.mark.django_db


def test_a_person_is_made_changed_and_found_by_any_name(shop: Program) -> None:
    made = shop.post(
        "profiles",
        {
            "external_id": "A1",
            "first_name": "Ann",
            "language": "NL",
            "addresses": [
                {"channel": "email", "address": "Ann@Example.org"},
                {"channel": "email", "address": "ann@work.example", "primary": True},
            ],
        },
    )
    assert made.status_code == 201, made.content
    pk = made.data["id"]
    for name in (f"id:{pk}", "ext:A1", "A1", "addr:ANN@example.org"):
        assert shop.get(f"profiles/{name}").data["id"] == pk
    primary = [a["address"] for a in made.data["addresses"] if a["primary"]]
    assert primary == ["ann@work.example"]
    assert not any(made.data["opted_out"].values())
    changed = shop.patch("profiles/ext:A1", {"first_name": None, "country": "nl"})
    assert (changed.data["first_name"], changed.data["country"]) == ("", "NL")
    assert shop.post("profiles", {"external_id": "A1"}).status_code == 409
    gone = shop.call(
        "DELETE", "profiles/ext:A1/addresses?channel=email&address=ann@work.example"
    )
    assert gone.status_code == 204
    assert len(shop.get("profiles/ext:A1").data["addresses"]) == 1
    bad = shop.post(
        "profiles/ext:A1/addresses", {"channel": "email", "address": "nonsense"}
    )
    assert bad.status_code == 422


def test_an_address_goes_into_quarantine_and_out(shop: Program, program: Any) -> None:
    person(email="ann@example.org")
    about = {"channel": "email", "address": "ann@example.org"}
    error = {**about, "type": "hard", "reason": "user_unknown", "event_id": "e1"}
    for _again in range(2):
        answer = shop.post("quarantine/errors", error)
        assert answer.status_code == 200, answer.content
    assert AddressError.objects.count() == 1
    assert answer.data["status"] == "quarantine"
    assert shop.get("quarantine?status=quarantine").data["items"] == [
        {**about, "status": "quarantine", "reason": "user_unknown"}
    ]
    masked = program("quarantine:read", name="other").get("quarantine").data["items"]
    assert masked[0]["address"] == "a•••@e•••.org"
    assert shop.post("quarantine/release", about).data["status"] == "valid"
    denied = shop.post("quarantine", {**about, "status": "denylisted"})
    assert denied.data["actions"][-1]["actor"] == "api:shop"
    assert shop.get("quarantine/address?channel=email&address=x").status_code == 422


def test_an_address_is_suppressed_and_lifted_with_a_note(shop: Program) -> None:
    about = {"channel": "email", "address": "ann@example.org"}
    query = "suppressions?channel=email&address=ann@example.org"
    assert shop.get(query).data == {"suppressed": False, "entries": []}
    assert shop.post("suppressions", {**about, "note": " "}).status_code == 422
    told = shop.post("suppressions", {**about, "note": "asked by ann@example.org"})
    assert (told.status_code, told.data["errors"][0]["field"]) == (422, "note")
    for nothing in ("\u200b", "\u2060 .", "…"):
        for path in ("suppressions", "suppressions/lift"):
            asked = shop.post(path, {**about, "note": nothing})
            assert (asked.status_code, asked.data["code"]) == (422, "bad_note")
    assert shop.post("suppressions", {**about, "note": "by letter"}).data["suppressed"]
    person(email="ann@example.org")
    lifted = shop.post("suppressions/lift", {**about, "note": "by letter again"})
    assert lifted.data["suppressed"] is False


def test_a_delivery_from_making_to_what_came_of_it(shop: Program) -> None:
    ann, bob = person(email="ann@example.org"), person(email="bob@example.org")
    person(email="out@example.org", out="email")
    made = shop.post("deliveries", {"label": "June", "channel": "email"})
    assert made.status_code == 201, made.content
    path = f"deliveries/id:{made.data['id']}"
    assert (
        shop.post("deliveries", {"label": "June", "channel": "email"}).status_code
        == 409
    )
    wrote = shop.call(
        "PUT",
        f"{path}/content",
        {"subject": "Hi", "content": "Hello {{ unsubscribe_link }}"},
    )
    assert wrote.data["subject"] == "Hi"
    assert shop.get(f"{path}/report").status_code == 409
    job = shop.post(f"{path}/prepare")
    assert job.status_code == 202
    assert shop.get(f"jobs/{job.data['id']}").data["state"] == "waiting"
    assert shop.post(f"{path}/prepare").status_code == 409
    analysis.analyse(deliveries.find("June"))
    done = shop.get(f"jobs/{job.data['id']}").data
    assert (done["is_finished"], done["counts"]["to_deliver"]) == (True, 2)
    assert shop.get(f"{path}/report").data["excluded"] == 1
    shop.post(
        "consent",
        {
            "items": [
                {"profile": f"id:{bob.pk}", "action": "opt_out", "channel": "email"}
            ]
        },
    )
    target = shop.get(f"{path}/outcomes").data
    assert [row["profile"] for row in target["items"]] == [ann.pk]
    assert target["left_out"] == {"denylist_channel": 1}
    why = shop.get(f"{path}/explain?profile=out@example.org").data
    assert why["deciding"] == "denylist_channel"
    sent = shop.post(
        "messages",
        {
            "delivery": "June",
            "items": [
                {"address": "ann@example.org", "message_id": "<1@x>"},
                {"address": "ann@example.org"},
                {"address": "nobody@example.org"},
            ],
        },
    )
    assert [row["status"] for row in sent.data["items"]] == [
        "recorded",
        "unchanged",
        "failed",
    ]
    assert Message.objects.get().message_id == "<1@x>"
    assert shop.get("messages?delivery=June").data["items"][0]["profile"] == ann.pk
    assert shop.get(f"{path}/status").data["state"] == "ready"


def test_what_reaches_opted_out_people_needs_approval_to_leave(shop: Program) -> None:
    person(email="out@example.org", out="email")
    facts = {"label": "Recall", "channel": "email", "purpose": "legal"}
    assert shop.post("deliveries", facts).status_code == 422, "a note is needed"
    shop.post("deliveries", {**facts, "purpose_note": "recall"})
    analysis.analyse(deliveries.find("Recall"))
    for answer in (
        shop.get("deliveries/Recall/outcomes"),
        shop.post("deliveries/Recall/send"),
    ):
        assert answer.status_code == 409
        assert "approved" in answer.data["detail"]


def test_an_audience_is_made_counted_and_changed(shop: Program) -> None:
    person(email="a@example.org", language="nl")
    tree = {"version": 1, "condition": {"node": "language", "in": ["nl"]}}
    found = shop.post("audiences/count", {"condition": tree})
    if found.status_code == 422:  # the tree's own words are tested elsewhere
        tree = {"version": 1, "condition": {"node": "and", "of": []}}
    bad = shop.post("audiences", {"name": "X", "condition": {"node": "none"}})
    assert bad.status_code == 422
    assert not Audience.objects.filter(name="X").exists()


def test_a_file_is_uploaded_checked_and_cancelled(shop: Program) -> None:
    file = SimpleUploadedFile("people.csv", b"external_id,email\nA1,a@example.org\n")
    answer: Any = shop.client.post(
        "/api/v1/imports",
        {"file": file, "kind": "people"},
        headers={"Authorization": f"Bearer {shop.secret}", "Idempotency-Key": "f1"},
    )
    assert answer.status_code == 202, answer.content
    run = ImportRun.objects.get()
    assert run.actor == "api:shop"
    assert shop.get(f"jobs/import:{run.pk}").data["state"] == "checking"
    assert shop.post(f"imports/{run.pk}/confirm").status_code == 409
    assert shop.post(f"imports/{run.pk}/cancel").data["state"] == "cancelled"
    assert shop.get(f"imports/{run.pk}/rejects").data["items"] == []


def test_an_objection_opts_out_of_everything(shop: Program) -> None:
    ann = person(email="ann@example.org")
    made = shop.post(
        "privacy-requests", {"profile": "ann@example.org", "kind": "objection"}
    )
    assert made.status_code == 201, made.content
    assert events_of(ann.pk).filter(channel="any").exists()
    assert Profile.objects.get(pk=ann.pk).no_longer_contact
    shop.post("privacy-requests", {"profile": "ann@example.org", "kind": "access"})
    assert len(shop.get("privacy-requests?state=open").data["items"]) >= 1


def test_double_opt_in_is_confirmed_by_the_token_of_the_link(shop: Program) -> None:
    from audiences.links import Confirmation, confirmation_url
    from audiences.links.signing import mark
    from audiences.models import Subscription
    from audiences.subscriptions.messages import last_request

    service = ServiceFactory(slug="news", double_opt_in=True)
    ann = person(email="ann@example.org")
    item = {"profile": f"id:{ann.pk}", "service": "news", "action": "request"}
    asked = shop.post("subscriptions", {"items": [item]}).data["items"][0]
    assert asked["status"] == "changed"
    assert "pending" in asked["warning"]
    held = Subscription.objects.get()
    link = Confirmation(
        ann.pk, service.pk, last_request(held) or 0, mark("email", "ann@example.org")
    )
    token = confirmation_url(link).rstrip("/").rpartition("/")[2]
    assert shop.post("subscriptions/confirm", {"token": token + "x"}).status_code == 404
    done = shop.post("subscriptions/confirm", {"token": token})
    assert done.data["status"] == "changed"
    assert shop.post("subscriptions/confirm", {"token": token}).data["status"] == (
        "unchanged"
    )
