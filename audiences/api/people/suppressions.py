"""`suppressions`: whether an address is suppressed; suppressing and lifting."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import Field

from audiences import addresses, suppression
from audiences.api.answers import said
from audiences.api.callers import caller
from audiences.api.calls import Resource
from audiences.api.problems import FIELDS, REMEDIES, STATUSES
from audiences.api.shapes import (
    AddressText,
    ChannelCode,
    Json,
    Strict,
    Truth,
    When,
    example,
)
from audiences.channels import ANY
from audiences.suppression import Entry, Lift, Reason
from audiences.suppression.writing import BadNote, suppress_by_hand

suppressions = Resource("suppressions")

STATUSES[BadNote] = 422
FIELDS[BadNote] = "note"
REMEDIES[BadNote] = "Say why, in words, and without the address."
_Note = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\S")]


class SuppressIn(Strict):
    """An address to suppress, with why; the note must not name it."""

    model_config = example(
        channel="email", address="ann@example.org", note="Asked by letter."
    )

    channel: ChannelCode
    address: AddressText
    note: _Note
    any: Truth = Field(False, description="On every channel where it can be used.")


class LiftIn(Strict):
    """An address to write to again, with why."""

    model_config = example(
        channel="email",
        address="ann@example.org",
        note="Asked to come back, by letter.",
    )

    channel: ChannelCode
    address: AddressText
    note: _Note


class SuppressionOut(Schema):
    """What holds an address."""

    channel: str
    reason: str
    since: When
    actor: str
    note: str


class Suppressed(Schema):
    """Whether an address is suppressed on a channel, and what for."""

    suppressed: bool
    entries: list[SuppressionOut]


@suppressions.get("", Suppressed)
def look_up(
    request: HttpRequest, channel: ChannelCode, address: AddressText
) -> HttpResponse:
    """Whether an address is suppressed. There is no list: it holds hashes only."""
    return said(_about(request, channel.value, address))


def _about(request: HttpRequest, channel: str, address: str) -> Json:
    who = caller(request)
    rows = suppression.rows_about(channel, addresses.normalise(channel, address).key)
    return {
        "suppressed": bool(rows),
        "entries": [
            {
                "channel": row.channel,
                "reason": row.reason,
                "since": row.since.isoformat(),
                "actor": row.actor,
                "note": who.shown(row.note),
            }
            for row in rows
        ],
    }


@suppressions.post("", Suppressed)
def suppress(request: HttpRequest, body: SuppressIn) -> HttpResponse:
    """Suppress an address: whoever has it, now or later, gets nothing there."""
    channel = body.channel.value
    key = addresses.normalise(channel, body.address).key
    scope = ANY if body.any else channel
    entry = Entry(channel, key, scope, Reason.BY_HAND)
    suppress_by_hand(entry, actor=caller(request).actor, note=body.note)
    return said(_about(request, channel, body.address))


@suppressions.post("/lift", Suppressed)
def lift(request: HttpRequest, body: LiftIn) -> HttpResponse:
    """Lift what holds an address on a channel, as the protection officer does."""
    channel = body.channel.value
    key = addresses.normalise(channel, body.address).key
    suppression.lift(
        channel, key, Lift.OFFICER, actor=caller(request).actor, note=body.note
    )
    return said(_about(request, channel, body.address))
