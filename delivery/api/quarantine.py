"""`quarantine`: looking an address up, recording an error, setting, releasing."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from audiences import addresses
from audiences.api.answers import said
from audiences.api.callers import Caller, caller
from audiences.api.calls import Resource
from audiences.api.paging import Cursor, Limit, page
from audiences.api.problems import Problem
from audiences.api.shapes import AddressText, ChannelCode, Json
from audiences.files.cleaning import says_something
from audiences.masking import DOTS, masked
from audiences.models import AddressStatus
from delivery import quarantine as domain
from delivery.api.quarantine_shapes import (
    Described,
    Entries,
    ErrorIn,
    QuarantineAddress,
    ReleaseIn,
    StatusCode,
    StatusIn,
)
from delivery.models import AddressError, QuarantineEntry
from delivery.models.quarantine import ErrorReason

quarantine = Resource("quarantine")


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
    _refuse_other(caller(request), channel, body)
    return said(_described(request, channel, body.address))


def _refuse_other(who: Caller, channel: str, body: ErrorIn) -> None:
    """Refuse the id of an event that was about another address: it would be lost."""
    if body.event_id is None:
        return
    key = _key(channel, body.address)
    named = AddressError.objects.filter(source=who.source, event_id=body.event_id)
    if named.exclude(channel=channel, key=key).exists():
        raise Problem(
            409,
            f"The event {body.event_id!r} was about another address.",
            code="event_taken",
            field="event_id",
            remedy="Send a number that only this event of this address has.",
        )


@quarantine.post("", Described)
def decide(request: HttpRequest, body: StatusIn) -> HttpResponse:
    """Set the status of an address, as an operator does."""
    return _decided(request, body, body.status, body.reason, body.text)


@quarantine.post("/release", Described)
def release(request: HttpRequest, body: ReleaseIn) -> HttpResponse:
    """Make an address valid again; from the denylist only with a text that says why."""
    return _decided(request, body, "valid", ErrorReason.OPERATOR, body.text)


def _refuse_denylisted(channel: str, address: str) -> None:
    """Somebody complained or wrote STOP: the console asks, a program says why."""
    rows = QuarantineEntry.objects.select_for_update()
    held = rows.filter(channel=channel, key=_key(channel, address)).first()
    if held and held.status == AddressStatus.DENYLISTED:
        raise Problem(
            422,
            "The address is on the denylist: somebody complained, wrote STOP, or was "
            "put there. Nothing takes it from there without a text that says why.",
            code="note_needed",
            field="text",
            remedy="Send a `text` that says why messages may go there again.",
        )


def _decided(
    request: HttpRequest, body: QuarantineAddress, status: str, reason: str, text: str
) -> HttpResponse:
    channel = body.channel.value
    if status != AddressStatus.DENYLISTED and not says_something(text):
        _refuse_denylisted(channel, body.address)
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
