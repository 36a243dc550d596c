"""What another system reports of its messages: it counts once, for whom it is about."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audiences import privacy
from audiences.feed import Position, read
from delivery import deliveries
from delivery.models import InboundItem, MessageEvent, QuarantineEntry
from tests.people import person

from .conftest import Program

pytestmark = pytest.mark.django_db
HARD = {"kind": "failed", "type": "hard", "reason": "user_unknown"}
NUMBER = {"message_id": "<1@crm.example>"}


@pytest.fixture
def ann(shop: Program) -> Any:
    """Somebody whom another system has sent a message."""
    made = person(email="ann@example.org")
    deliveries.create("Letter", channel="email")
    item = {"address": "ann@example.org", "provider_id": "p-1", **NUMBER}
    shop.post("messages", {"delivery": "Letter", "items": [item]})
    return made


def report(program: Program, *items: dict[str, Any]) -> list[str]:
    """What became of each."""
    body = {"channel": "email", "items": [*items]}
    answer = program.post("messages/events", body)
    assert answer.status_code == 200, answer.data
    statuses = [item["status"] for item in answer.data["items"]]
    for name in ("recorded", "unchanged", "waiting", "ignored", "failed"):
        assert answer.data[name] == statuses.count(name)
    return statuses


def status_of(address: str) -> str:
    entry = QuarantineEntry.objects.filter(key=address).first()
    return entry.status if entry else "valid"


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (HARD, "quarantine"),
        ({"kind": "failed", "type": "soft", "reason": "mailbox_full"}, "erroneous"),
        ({"kind": "failed", "type": "ignored"}, "valid"),
        ({"kind": "complaint"}, "denylisted"),
        ({"kind": "delayed"}, "valid"),
        ({"kind": "delivered"}, "valid"),
    ],
)
@pytest.mark.parametrize(
    "names",
    [
        NUMBER,
        {"message_id": "1@crm.example"},
        {"provider_id": "p-1"},
        {"address": "Ann@Example.org"},
        {**NUMBER, "address": "forwarded@elsewhere.example"},
    ],
)
def test_it_counts_for_the_message_that_it_names(
    shop: Program, ann: Any, event: dict[str, Any], names: dict[str, Any], status: str
) -> None:
    assert report(shop, {**event, **names, "text": "it said so"}) == ["recorded"]
    assert status_of("ann@example.org") == status
    (listed,) = shop.get("messages/events?delivery=Letter").data["items"]
    assert (listed["kind"], listed["profile"]) == (event["kind"], ann.pk)
    assert (listed["source"], listed["type"]) == ("api:shop", event.get("type", ""))
    assert MessageEvent.objects.get().key == "ann@example.org"


def test_failures_and_complaints_are_told_to_others(shop: Program, ann: Any) -> None:
    report(shop, {**HARD, **NUMBER}, {"kind": "complaint", **NUMBER})
    names = {"message.failed", "message.complained"}
    if connection.vendor == "sqlite":  # of an open transaction PostgreSQL tells nothing
        told = read(Position(), 100, names).changes
        assert {change.name for change in told} == names


def test_the_same_event_counts_once(shop: Program, ann: Any, program: Any) -> None:
    event = {**HARD, **NUMBER, "event_id": "b-1"}
    assert report(shop, event, event) == ["recorded", "unchanged"]
    assert report(shop, event) == ["unchanged"]
    assert MessageEvent.objects.count() == 1
    # Its numbers are those of the program.
    assert report(program(name="crm"), event) == ["recorded"]
    assert MessageEvent.objects.count() == 2


def test_the_number_of_another_event_is_refused(shop: Program, ann: Any) -> None:
    report(shop, {**HARD, **NUMBER, "event_id": "b-1"})
    other = {"kind": "complaint", **NUMBER, "event_id": "b-1"}
    (item,) = shop.post("messages/events", {"channel": "email", "items": [other]}).data[
        "items"
    ]
    assert item["status"] == "failed"
    assert item["error"]["field"] == "event_id"
    assert "b-1" in item["error"]["detail"]
    assert item["error"]["remedy"]
    assert status_of("ann@example.org") == "quarantine"


def test_soft_failures_without_a_number_are_each_one(shop: Program, ann: Any) -> None:
    soft = {"kind": "failed", "type": "soft", "reason": "mailbox_full", **NUMBER}
    at = {"at": "2026-01-31T09:30:00Z"}
    assert report(shop, {**soft, **at}, {**soft, **at}) == ["recorded", "unchanged"]
    assert report(shop, soft) == ["recorded"]


def test_an_event_waits_for_its_message(
    shop: Program, ann: Any, django_capture_on_commit_callbacks: Any
) -> None:
    ben = person(email="ben@example.org")
    late = {**HARD, "message_id": "<2@crm.example>", "event_id": "b-2"}
    assert report(shop, late) == ["waiting"]
    assert status_of("ben@example.org") == "valid"
    item = {"address": "ben@example.org", "message_id": "<2@crm.example>"}
    with django_capture_on_commit_callbacks(execute=True):
        shop.post("messages", {"delivery": "Letter", "items": [item]})
    assert status_of("ben@example.org") == "quarantine"
    assert MessageEvent.objects.get().message.profile == ben  # type: ignore[union-attr]
    assert InboundItem.objects.get().state == "applied"


def test_a_complaint_counts_for_the_address_of_nobody(shop: Program) -> None:
    complaint = {"kind": "complaint", "address": "who@example.org"}
    assert report(shop, complaint) == ["recorded"]
    assert status_of("who@example.org") == "denylisted"


def test_of_the_erased_nothing_is_kept(shop: Program, ann: Any) -> None:
    privacy.erase(ann)
    event = {**HARD, "address": "ann@example.org", "text": "ann@example.org: no"}
    assert report(shop, event) == ["ignored"]
    assert report(shop, {**event, **NUMBER, "event_id": "b-1"}) == ["recorded"]
    kept = [bytes(item.raw) for item in InboundItem.objects.all()]
    assert not [raw for raw in kept if b"ann@example.org" in raw]
    assert not QuarantineEntry.objects.exists()


def test_an_item_that_is_wrong_stops_no_other(shop: Program, ann: Any) -> None:
    answer = shop.post(
        "messages/events",
        {
            "channel": "email",
            "items": [
                {**HARD, **NUMBER, "at": "2999-01-01T00:00:00Z"},
                {**HARD, "address": "no address"},
                {**HARD, **NUMBER},
            ],
        },
    )
    future, odd, right = answer.data["items"]
    assert [item["status"] for item in (future, odd, right)] == [
        *("failed", "failed", "recorded")
    ]
    assert (future["error"]["field"], odd["error"]["field"]) == ("at", "address")
    assert future["error"]["remedy"]
    assert odd["error"]["remedy"]


@pytest.mark.parametrize(
    "item",
    [
        {**HARD},
        {"kind": "failed", **NUMBER},
        {"kind": "complaint", "type": "hard", **NUMBER},
        {"kind": "delivered", "reason": "user_unknown", **NUMBER},
        {"kind": "opened", **NUMBER},
        {**HARD, **NUMBER, "reason": "nonsense"},
        {**HARD, **NUMBER, "event_id": ""},
        {**HARD, **NUMBER, "opened": True},
    ],
)
def test_what_no_event_is_is_refused(
    shop: Program, ann: Any, item: dict[str, Any]
) -> None:
    body = {"channel": "email", "items": [item]}
    assert shop.post("messages/events", body).status_code == 422
    assert not InboundItem.objects.exists()


def test_who_may_not_write_the_quarantine_reports_nothing(program: Any) -> None:
    body = {"channel": "email", "items": [{**HARD, **NUMBER}]}
    for number, scopes in enumerate((["messages:read"], ["messages:write"])):
        key = program(*scopes, name=f"key {number}")
        answer = key.post("messages/events", body)
        assert (answer.status_code, answer.data["code"]) == (403, "scope_missing")
    both = program("messages:write", "quarantine:write", name="both")
    assert report(both, {**HARD, **NUMBER}) == ["waiting"]


def test_a_thousand_take_few_statements(shop: Program) -> None:
    people = [person(email=f"p{n}@example.org") for n in range(60)]
    deliveries.create("Letter", channel="email")
    items = [
        {"address": f"p{n}@example.org", "message_id": f"<{n}@x>"}
        for n in range(len(people))
    ]
    shop.post("messages", {"delivery": "Letter", "items": items})
    taken = []
    for few in (items[:10], items[10:]):
        events = [{**HARD, "message_id": item["message_id"]} for item in few]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert {*report(shop, *events)} == {"recorded"}
        taken.append(len(queries))
    assert taken[1] <= taken[0] + 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_of_the_same_event_twice_at_once_one_counts(shop: Program, ann: Any) -> None:
    event = {**HARD, **NUMBER, "event_id": "b-1"}
    ready = threading.Barrier(4)
    said: list[str] = []

    def tell() -> None:
        try:
            program = Program(shop.secret, shop.name)
            ready.wait(120)
            said.extend(report(program, event))
        finally:
            connection.close()

    threads = [threading.Thread(target=tell) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(said) == ["recorded", *["unchanged"] * 3]
    assert (InboundItem.objects.count(), MessageEvent.objects.count()) == (1, 1)
