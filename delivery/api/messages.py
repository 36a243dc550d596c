"""`messages`: what another system handed over, and what became of messages."""

from collections.abc import Iterable, Iterator
from typing import Annotated

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_noop
from ninja import Schema
from pydantic import Field

from audiences.api import history, naming
from audiences.api.answers import said
from audiences.api.callers import caller
from audiences.api.calls import Resource
from audiences.api.paging import Cursor, Limit, page
from audiences.api.problems import FIELDS, REMEDIES, STATUSES
from audiences.api.shapes import (
    MOST_ITEMS,
    AddressText,
    ItemPast,
    ItemProblem,
    Json,
    Number,
    Strict,
    When,
    example,
)
from audiences.feed.facts import said as moment
from audiences.masking import DOTS, masked
from audiences.refusals import Refused
from delivery import deliveries
from delivery.models import Message, MessageEvent
from delivery.sending import recording
from delivery.sending.recording import HandedOver, NobodyHas, NotTheirs, SentHere

messages = Resource("messages")
STATUSES[NobodyHas] = STATUSES[NotTheirs] = 404
FIELDS.update({NobodyHas: "address", NotTheirs: "profile", SentHere: "delivery"})
REMEDIES[NobodyHas] = "Make the person first, with the address, at /api/v1/profiles."
REMEDIES[NotTheirs] = "Leave `profile` out, or name one that has the address."
REMEDIES[SentHere] = "Make a delivery for what the other system sends."

MessageNumber = Annotated[str, Field(min_length=1, max_length=255)]


class MessageItem(Strict):
    """One message: whom it went to, when, and its numbers."""

    address: AddressText
    profile: Number | None = None
    at: ItemPast | None = None
    message_id: MessageNumber | None = None
    provider_id: MessageNumber | None = None


class MessagesIn(Strict):
    """Up to 1,000 messages of one delivery."""

    model_config = example(
        delivery="Spring letter",
        items=[
            {
                "address": "ann@example.org",
                "at": "2026-01-31T09:30:00Z",
                "message_id": "<1@example.org>",
            }
        ],
    )

    delivery: Annotated[str, Field(min_length=1, max_length=200)]
    items: Annotated[list[MessageItem], Field(min_length=1, max_length=MOST_ITEMS)]


class Recorded(Schema):
    """What became of one item."""

    address: str
    status: str
    profile: int | None = None
    error: ItemProblem | None = None


class RecordedAll(Schema):
    items: list[Recorded]
    recorded: int
    unchanged: int
    failed: int


class MessageOut(Schema):
    id: int
    delivery: int
    profile: int
    channel: str
    address: str
    at: When
    message_id: str | None = None
    provider_id: str | None = None


class Messages(Schema):
    items: list[MessageOut]
    cursor: str | None = None


class MessageEventOut(Schema):
    id: int
    kind: str
    channel: str
    at: When
    delivery: int | None = None
    profile: int | None = None
    message_id: str | None = None
    type: str = ""
    reason: str = ""
    source: str = ""


class Events(Schema):
    items: list[MessageEventOut]
    cursor: str | None = None


@messages.post("", RecordedAll)
def record(request: HttpRequest, body: MessagesIn) -> HttpResponse:
    """Record what another system has handed over; a message counts once."""
    delivery = deliveries.find(body.delivery)
    done = iter(recording.record(delivery, [*_handed_over(body.items)]))
    rows = []
    for item in body.items:
        late = item.at if isinstance(item.at, Refused) else None
        result = naming.failed(late) if late else _result(next(done))
        rows.append({"address": item.address, **result})
    statuses = [row["status"] for row in rows]
    counts = {n: statuses.count(n) for n in ("recorded", "unchanged", "failed")}
    if counts["recorded"]:
        text = gettext_noop("Messages of another system on record: {count}")
        history.told(request, delivery, text, count=counts["recorded"])
    return said({"items": rows, **counts})


def _handed_over(items: Iterable[MessageItem]) -> Iterator[HandedOver]:
    for item in items:
        if not isinstance(item.at, Refused):
            numbers = (item.message_id, item.provider_id)
            yield HandedOver(item.address, item.profile, item.at, *numbers)  # type: ignore[arg-type]


def _result(result: recording.Result) -> Json:
    if result.problem:
        return naming.failed(result.problem)
    status = "recorded" if result.is_new else "unchanged"
    return {"status": status, "profile": result.profile_id}


@messages.get("", Messages)
def listed(
    request: HttpRequest,
    delivery: Annotated[str, Field(min_length=1, max_length=200)] | None = None,
    profile: Annotated[str, Field(min_length=1, max_length=1_100)] | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> HttpResponse:
    """What was handed over, newest first: of a delivery, to a person, or all."""
    rows: QuerySet[Message] = Message.objects.all()
    if delivery:
        rows = rows.filter(delivery=deliveries.find(delivery))
    if profile:
        rows = rows.filter(profile=naming.one(profile))
    sees = caller(request).sees_addresses
    return said(
        page(rows, cursor, limit, lambda row: _shown(row, sees), newest_first=True)
    )


def _shown(row: Message, sees: bool) -> Json:
    address = row.address if sees else masked(row.channel, row.address) or DOTS
    return {
        "id": row.pk,
        "delivery": row.delivery_id,
        "profile": row.profile_id,
        "channel": row.channel,
        "address": address,
        "at": moment(row.sent_at),
        "message_id": row.message_id,
        "provider_id": row.provider_id,
    }


@messages.get("/events", Events)
def events(
    request: HttpRequest,
    delivery: Annotated[str, Field(min_length=1, max_length=200)] | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> HttpResponse:
    """What became of messages, newest first."""
    rows = MessageEvent.objects.select_related("message")
    if delivery:
        rows = rows.filter(message__delivery=deliveries.find(delivery))
    return said(page(rows, cursor, limit, _event, newest_first=True))


def _event(row: MessageEvent) -> Json:
    message = row.message
    return {
        "id": row.pk,
        "kind": row.kind,
        "channel": row.channel,
        "at": moment(row.at),
        "delivery": message.delivery_id if message else None,
        "profile": message.profile_id if message else None,
        "message_id": message.message_id if message else None,
        "type": row.type,
        "reason": row.reason,
        "source": row.source,
    }
