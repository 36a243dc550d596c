"""Somebody and something that each call of the API that writes changes, and how."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from audiences import consent, endpoints, feed, membership, suppression
from audiences.imports import runs
from audiences.links import Confirmation, confirmation_url
from audiences.links.signing import mark
from audiences.models import ConsentEvent, ImportRun, Subscription
from audiences.subscriptions import request
from audiences.subscriptions.messages import last_request
from audiences.suppression import Entry, Reason
from delivery import analysis, deliveries
from delivery.sending import sendings
from tests.factories import ServiceFactory
from tests.people import ORIGIN, is_, person, subscribed, tree

from .conftest import Program


def _delivery(label: str) -> Any:
    said = {"subject": "Hi", "content": "Hello {{ unsubscribe_link }}"}
    analysis.analyse(deliveries.create(label, channel="email", **said))
    return deliveries.find(label)


@pytest.fixture
def places(settings: Any) -> dict[str, Any]:
    """Somebody and something that each call changes, and how they are named."""
    settings.BASE_URL = "https://news.example.org"
    ann = person(email="ann@example.org", sms="+31612345678", external_id="A1")
    gone = Entry("email", "gone@example.org", "email", Reason.BY_HAND)
    suppression.suppress([gone], actor="eva", note="asked by letter")
    consent.opt_out(ann, "phone", ORIGIN)
    news = ServiceFactory(slug="news")
    subscribed(ann, news)
    twice = ServiceFactory(slug="twice", double_opt_in=True)
    request(ann, twice, ORIGIN)
    held = Subscription.objects.get(service=twice)
    link = Confirmation(
        ann.pk, twice.pk, last_request(held) or 0, mark("email", "ann@example.org")
    )
    membership.create_with_condition("Dutch", tree(is_("language", "nl")))
    for label in ("Ready", "Going", "Paused"):
        _delivery(label)
    for label in ("Going", "Paused"):
        sendings.begin(deliveries.find(label), actor="eva", is_now=True, wakes=False)
    sendings.pause(deliveries.find("Paused"), reason="lunch")
    deliveries.create("Draft", channel="email")
    run = runs.upload("p.csv", [b"external_id\nB2\n"], actor="eva")
    runs.perform(run)
    return {
        "profile": "ext:A1",
        "slug": "news",
        "name": "Dutch",
        "import": ImportRun.objects.get().pk,
        "endpoint": endpoints.create(
            "https://crm.example.org/", feed.Event
        ).endpoint.pk,
        "token": confirmation_url(link).rstrip("/").rpartition("/")[2],
        "change": f"c{ConsentEvent.objects.earliest('pk').pk}",
    }


def bodies(at: dict[str, Any]) -> dict[tuple[str, str], tuple[str, Any]]:
    """For each call that writes an address of it, and what makes it change something."""
    ann, box = {"profile": "ext:A1"}, {"channel": "email", "address": "a@example.org"}
    note = {"note": "asked at the desk"}
    one, told = f"imports/{at['import']}", f"endpoints/{at['endpoint']}"
    return {
        ("POST", "profiles"): ("profiles", {"external_id": "new", "addresses": [box]}),
        ("PATCH", "profiles/{profile}"): ("profiles/ext:A1", {"first_name": "Ann"}),
        ("POST", "profiles/{profile}/addresses"): ("profiles/ext:A1/addresses", box),
        ("DELETE", "profiles/{profile}/addresses"): (
            "profiles/ext:A1/addresses?channel=email&address=ann@example.org",
            None,
        ),
        ("POST", "consent"): (
            "consent",
            {"items": [{**ann, "action": "opt_out", "channel": "any"}]},
        ),
        ("POST", "services"): (
            "services",
            {"slug": "more", "label": "More", "channel": "email"},
        ),
        ("PATCH", "services/{service}"): ("services/news", {"label": "Other"}),
        ("POST", "subscriptions"): (
            "subscriptions",
            {
                "items": [
                    {**ann, "service": slug, "action": action, **note}
                    for slug, action in (("news", "unsubscribe"), ("twice", "request"))
                ]
            },
        ),
        ("POST", "subscriptions/confirm"): (
            "subscriptions/confirm",
            {"token": at["token"]},
        ),
        ("POST", "suppressions"): ("suppressions", {**box, **note}),
        ("POST", "suppressions/lift"): (
            "suppressions/lift",
            {"channel": "email", "address": "gone@example.org", **note},
        ),
        ("POST", "audiences"): (
            "audiences",
            {"name": "New", "condition": tree(is_("language", "de"))},
        ),
        ("PATCH", "audiences/{audience}"): (
            "audiences/Dutch",
            {"condition": tree(is_("language", "de"))},
        ),
        ("POST", "imports"): ("imports", b"external_id\nC3\n"),
        ("POST", "imports/{number}/confirm"): (f"{one}/confirm", {}),
        ("POST", "imports/{number}/cancel"): (f"{one}/cancel", {}),
        ("PUT", "imports/{number}/columns"): (
            f"{one}/columns",
            {"columns": [{"column": "external_id", "name": "first_name"}]},
        ),
        ("POST", "privacy-requests"): (
            "privacy-requests",
            {**ann, "kind": "objection"},
        ),
        ("POST", "endpoints"): (
            "endpoints",
            {"url": "https://a.example.org/", "events": ["profile.erased"]},
        ),
        ("PATCH", "endpoints/{number}"): (told, {"state": "disabled"}),
        ("DELETE", "endpoints/{number}"): (told, None),
        ("POST", "endpoints/{number}/rotate"): (f"{told}/rotate", {}),
        ("POST", "endpoints/{number}/replay"): (
            f"{told}/replay",
            {"ids": [at["change"]]},
        ),
        ("POST", "quarantine"): ("quarantine", box),
        ("POST", "quarantine/errors"): ("quarantine/errors", {**box, "type": "hard"}),
        ("POST", "quarantine/release"): ("quarantine/release", box),
        ("POST", "deliveries"): ("deliveries", {"label": "New", "channel": "email"}),
        ("PUT", "deliveries/{delivery}/content"): (
            "deliveries/Ready/content",
            {"content": "Other {{ unsubscribe_link }}"},
        ),
        ("POST", "deliveries/{delivery}/prepare"): ("deliveries/Draft/prepare", {}),
        ("POST", "deliveries/{delivery}/send"): (
            "deliveries/Ready/send",
            {"now": True},
        ),
        ("POST", "deliveries/{delivery}/pause"): ("deliveries/Going/pause", {}),
        ("POST", "deliveries/{delivery}/resume"): ("deliveries/Paused/resume", {}),
        ("POST", "deliveries/{delivery}/cancel"): ("deliveries/Going/cancel", {}),
        ("POST", "messages/events"): (
            "messages/events",
            {
                "channel": "email",
                "items": [{"kind": "complaint", "address": "ann@example.org"}],
            },
        ),
        ("POST", "messages"): (
            "messages",
            {"delivery": "Draft", "items": [{"address": "ann@example.org"}]},
        ),
    }


def send(
    shop: Program, method: str, path: str, body: Any, query: str = "", **headers: str
) -> Any:
    """The call; of a file where the body is one."""
    if query:
        path += ("&" if "?" in path else "?") + query
    if not isinstance(body, bytes):
        return shop.call(method, path, body, **headers)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return shop.client.post(
        f"/api/v1/{path}",
        {"file": SimpleUploadedFile("people.csv", body)},
        headers={"Authorization": f"Bearer {shop.secret}", **named},
    )
