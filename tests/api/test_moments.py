"""Moments of programs are those of RFC 3339: what is read, is what was written."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from audiences.models import ConsentEvent
from delivery import deliveries
from tests.factories import ServiceFactory
from tests.people import person

from .conftest import Program

pytestmark = pytest.mark.django_db
GOOD = {
    "2026-01-31T09:30:00Z": datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
    "2026-01-31t09:30:00z": datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
    "2026-01-31 10:30:00+01:00": datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
    "2026-01-31T09:30:00-00:00": datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
    "2026-01-31T09:30:00.123456789Z": datetime(
        2026, 1, 31, 9, 30, 0, 123_456, tzinfo=UTC
    ),
    "2016-12-31T23:59:60Z": datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC),
    "2017-01-01T00:59:60+01:00": datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC),
    "1969-07-20T20:17:40Z": datetime(1969, 7, 20, 20, 17, 40, tzinfo=UTC),
}
BAD = [
    *("2026-01-31", "2026-01-31T09:30:00", "2026-01-31T09:30Z", "09:30:00Z"),
    *("20260131T093000Z", "2026-W05-6T09:30:00Z", "2026-031T09:30:00Z"),
    *("2026-01-31T09:30:00,5Z", "2026-01-31T09:30:00 +01:00", "2026-01-31T24:00:00Z"),
    *("2026-02-30T00:00:00Z", "2026-01-31T09:30:60Z", "2026-01-31T09:30:61Z"),
    *("2026-01-31T09:30:00+0100", "2026-01-31T09:30:00+24:00", "now", "", "0"),
    *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1769851800"),
    *("9999-12-31T23:59:59-12:00", "\uff12026-01-31T09:30:00Z", " 2026-01-31T09:30Z"),
    "2026-01-31T09:30:00Z\n",
]


def opt_out(at: Any) -> dict[str, Any]:
    item = {"profile": "ext:A1", "action": "opt_out", "channel": "any", "at": at}
    return {"items": [item]}


@pytest.mark.parametrize("text", GOOD)
def test_a_moment_is_kept_as_it_was_written(shop: Program, text: str) -> None:
    person(external_id="A1")
    answer = shop.post("consent", opt_out(text))
    assert answer.status_code == 200, answer.content
    assert ConsentEvent.objects.get().at == GOOD[text]


@pytest.mark.parametrize("text", [*BAD, 1769851800, None, True, ["2026-01-31"]])
def test_what_is_no_moment_is_refused_in_every_call(shop: Program, text: Any) -> None:
    person(external_id="A1", email="ann@example.org")
    ServiceFactory(slug="news")
    deliveries.create("June", channel="email")
    box = {"channel": "email", "address": "ann@example.org"}
    subscribe = {"profile": "ext:A1", "service": "news", "action": "subscribe"}
    calls: dict[str, tuple[dict[str, Any], str]] = {
        "consent": (opt_out(text), "items.0.at"),
        "subscriptions": ({"items": [{**subscribe, "at": text}]}, "items.0.at"),
        "messages": (
            {
                "delivery": "June",
                "items": [{"address": "ann@example.org", "at": text}],
            },
            "items.0.at",
        ),
        "quarantine/errors": ({**box, "type": "soft", "at": text}, "at"),
        "privacy-requests": (
            {"profile": "ext:A1", "kind": "access", "received_at": text},
            "received_at",
        ),
        "deliveries": (
            {"label": "July", "channel": "email", "contact_date": text},
            "contact_date",
        ),
        "deliveries/June/send": ({"at": text}, "at"),
    }
    for path, (body, field) in calls.items():
        answer = shop.post(f"{path}?dry_run=true", body)
        if text is None:
            assert answer.status_code in (200, 201, 409), (path, answer.content)
            continue
        assert answer.status_code == 422, (path, answer.content)
        assert answer.data["errors"][0]["field"] == field


def test_what_is_said_to_have_happened_does_not_lie_ahead(shop: Program) -> None:
    person(external_id="A1")
    late = shop.post(
        "consent", opt_out((timezone.now() + timedelta(minutes=6)).isoformat())
    )
    assert late.data["failed"] == 1
    assert late.data["items"][0]["error"]["field"] == "at"
    soon = shop.post(
        "consent", opt_out((timezone.now() + timedelta(minutes=4)).isoformat())
    )
    assert soon.status_code == 200, "a clock that is merely off"
    assert ConsentEvent.objects.get().at <= timezone.now()
