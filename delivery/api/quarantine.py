"""`quarantine`: looking an address up, recording an error, setting, releasing."""

from typing import Annotated, Literal

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import Field

from audiences import addresses
from audiences.api.callers import caller
from audiences.api.calls import Resource, said
from audiences.api.paging import Cursor, Limit, page
from audiences.api.shapes import (
    AddressText,
    ChannelCode,
    Json,
    Past,
    Short,
    Strict,
    example,
)
from audiences.masking import DOTS, masked
from delivery import quarantine as domain
from delivery.models import QuarantineEntry
from delivery.models.quarantine import ErrorReason

quarantine = Resource("quarantine")

StatusCode = Literal["valid", "erroneous", "quarantine", "denylisted"]


class AddressIn(Strict):
    """An address on its channel."""

    model_config = example(channel="email", address="ann@example.org")

    channel: ChannelCode
    address: AddressText


class ErrorIn(AddressIn):
    """An error that another system has seen."""

    model_config = example(
        channel="email",
        address="ann@example.org",
        type="hard",
        reason="user_unknown",
        text="550 5.1.1 No such user",
        event_id="bounce-1",
    )

    type: Literal["hard", "soft", "ignored"]
    reason: ErrorReason = ErrorReason.NOT_DEFINED
    at: Past | None = None
    text: Annotated[str, Field(max_length=4_000)] = ""
    event_id: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        None, description="The same event counts once."
    )


class StatusIn(AddressIn):
    """What somebody decides about an address."""

    model_config = example(
        channel="email",
        address="ann@example.org",
        status="denylisted",
        text="Asked by phone.",
    )

    status: StatusCode = "quarantine"
    reason: ErrorReason = ErrorReason.OPERATOR
    text: Short = ""


class Entry(Schema):
    """An entry as it is now; without one an address is valid."""

    channel: str
    address: str
    status: str
    reason: str = ""


class Entries(Schema):
    items: list[Entry]
    cursor: str | None = None


class Described(Schema):
    """Everything known about an address."""

    channel: str
    address: str
    status: str
    entry: Json | None = None
    errors: list[Json]
    actions: list[Json]
    profiles: list[Json]


def _key(channel: str, text: str) -> str:
    """The address as it is compared; a refusal says 422."""
    return addresses.normalise(channel, text).key


def _entry(request: HttpRequest, row: QuarantineEntry) -> Json:
    sees = caller(request).sees_addresses
    return {
        "channel": row.channel,
        "address": row.key if sees else masked(row.channel, row.key) or DOTS,
        "status": row.status,
        "reason": row.reason or "",
    }


@quarantine.get("", Entries)
def listed(
    request: HttpRequest,
    status: StatusCode | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> HttpResponse:
    """The entries, oldest first; addresses are masked without profiles:read."""
    rows: QuerySet[QuarantineEntry] = QuarantineEntry.objects.all()
    rows = rows.filter(status=status) if status else rows
    return said(page(rows, cursor, limit, lambda row: _entry(request, row)))


@quarantine.get("/address", Described)
def look_up(
    request: HttpRequest, channel: ChannelCode, address: AddressText
) -> HttpResponse:
    """Everything known about an address: its entry, the evidence, who has it."""
    return said(_described(request, channel.value, address))


def _described(request: HttpRequest, channel: str, address: str) -> Json:
    key = _key(channel, address)
    known = domain.describe(channel, key)
    entry = known["entry"]
    who = caller(request)
    for row in (*known["errors"], *known["actions"], entry or {}):
        for name in row.keys() & {"text", "error_text"}:
            row[name] = who.shown(row[name])
    if not who.sees_addresses:
        known["profiles"] = [{"id": row["id"]} for row in known["profiles"]]
    return {
        "channel": channel,
        "address": key,
        "status": entry["status"] if entry else "valid",
        **{name: known[name] for name in ("entry", "errors", "actions", "profiles")},
    }


@quarantine.post("/errors", Described)
def record(request: HttpRequest, body: ErrorIn) -> HttpResponse:
    """Record an error of an address; what follows from it is decided as ever."""
    channel = body.channel.value
    domain.record(
        channel,
        body.address,
        type=body.type,
        reason=body.reason,
        at=body.at,  # type: ignore[arg-type]
        text=body.text,
        source=caller(request).source,
        event_id=body.event_id,
    )
    return said(_described(request, channel, body.address))


@quarantine.post("", Described)
def decide(request: HttpRequest, body: StatusIn) -> HttpResponse:
    """Set the status of an address, as an operator does."""
    return _decided(request, body, body.status, body.reason, body.text)


@quarantine.post("/release", Described)
def release(request: HttpRequest, body: AddressIn) -> HttpResponse:
    """Make an address valid again, also from the denylist."""
    return _decided(request, body, "valid", ErrorReason.OPERATOR, "")


def _decided(
    request: HttpRequest, body: AddressIn, status: str, reason: str, text: str
) -> HttpResponse:
    channel = body.channel.value
    domain.set_status(
        channel,
        body.address,
        status,
        reason=reason,
        text=text,
        source="api",
        actor=caller(request).actor,
    )
    return said(_described(request, channel, body.address))
