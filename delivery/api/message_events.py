"""`messages/events`: what another system learns of messages that it handed over."""

from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import Field, model_validator

from audiences import addresses
from audiences.api import naming
from audiences.api.answers import said
from audiences.api.callers import caller
from audiences.api.problems import FIELDS, REMEDIES, STATUSES
from audiences.api.shapes import (
    MOST_ITEMS,
    AddressText,
    ChannelCode,
    ItemPast,
    ItemProblem,
    Json,
    Strict,
    example,
)
from audiences.refusals import Refused
from delivery.api.messages import MessageNumber, messages
from delivery.feedback import reported
from delivery.feedback.reported import OtherEvent, Reported, Taken
from delivery.models import InboundItem
from delivery.models.quarantine import ErrorReason, ErrorType

STATUSES[OtherEvent] = 409
FIELDS[OtherEvent] = "event_id"
REMEDIES[OtherEvent] = "Send a number that only this event has."

_State = InboundItem.State
# What the states of what came back are called here.
_STATUSES = {_State.APPLIED: "recorded", _State.IGNORED: "ignored"}


class EventItem(Strict):
    """One event: which message it is about, and what happened."""

    kind: Literal["delivered", "delayed", "failed", "complaint"]
    message_id: MessageNumber | None = None
    provider_id: MessageNumber | None = None
    address: AddressText | None = None
    at: ItemPast | None = None
    type: Literal["hard", "soft", "ignored"] | None = Field(
        None, description="Of a failure, which needs it."
    )
    reason: ErrorReason | None = Field(None, description="Of a failure.")
    status_code: Annotated[str, Field(max_length=32)] = ""
    text: Annotated[str, Field(max_length=4_000)] = ""
    event_id: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        None, description="The program's own number: the same event counts once."
    )

    @model_validator(mode="after")
    def _names_a_message(self) -> "EventItem":
        if not (self.message_id or self.provider_id or self.address):
            raise ValueError("give message_id, provider_id or address")
        return self

    @model_validator(mode="after")
    def _failures_have_a_type(self) -> "EventItem":
        if (self.kind == "failed") != (self.type is not None):
            raise ValueError("give type where kind is failed, and only there")
        if self.reason and self.kind != "failed":
            raise ValueError("give reason only where kind is failed")
        return self


class EventsIn(Strict):
    """Up to 1,000 events of messages on a channel."""

    model_config = example(
        channel="email",
        items=[
            {
                "kind": "failed",
                "message_id": "<1@example.org>",
                "type": "hard",
                "reason": "user_unknown",
                "text": "550 5.1.1 No such user",
                "event_id": "bounce-1",
            }
        ],
    )

    channel: ChannelCode
    items: Annotated[list[EventItem], Field(min_length=1, max_length=MOST_ITEMS)]


class EventResult(Schema):
    """What became of one item; `waiting`: no message is known that it is about."""

    status: Literal["recorded", "unchanged", "waiting", "ignored", "failed"]
    error: ItemProblem | None = None


class EventResults(Schema):
    items: list[EventResult]
    recorded: int
    unchanged: int
    waiting: int
    ignored: int
    failed: int


@messages.post("/events", EventResults)
def report(request: HttpRequest, body: EventsIn) -> HttpResponse:
    """Report what became of messages; it counts as what a provider reports.

    About the message whose number is given, else the newest one to the address. A hard
    failure or a complaint keeps the address from everything, so quarantine:write is
    needed too. An event about a message that is not on record yet waits for it.
    """
    who, channel = caller(request), body.channel.value
    who.require("quarantine:write")
    read = [_reported(item, who.source, channel) for item in body.items]
    taken = iter(
        reported.take_in([one for one in read if not isinstance(one, Refused)])
    )
    rows = [
        naming.failed(one) if isinstance(one, Refused) else _result(next(taken))
        for one in read
    ]
    return said({"items": rows, **_counts(rows)})


def _reported(item: EventItem, source: str, channel: str) -> Reported | Refused:
    if isinstance(item.at, Refused):
        return item.at
    if item.address is not None:
        given = addresses.accept(channel, item.address)
        if not given.is_valid:
            return addresses.InvalidAddress("{why}", why=given.reason)
    return Reported(
        source=source,
        kind=item.kind,
        channel=channel,
        address=item.address or "",
        message_id=item.message_id or "",
        provider_id=item.provider_id or "",
        at=item.at,  # type: ignore[arg-type]
        type=item.type or ErrorType.IGNORED,
        reason=item.reason or ErrorReason.NOT_DEFINED,
        status_code=item.status_code,
        text=item.text,
        event_id=item.event_id or "",
    )


def _result(taken: Taken) -> Json:
    if taken.problem:
        return naming.failed(taken.problem)
    if not taken.is_new:
        return {"status": "unchanged"}
    return {"status": _STATUSES.get(_State(taken.state), "waiting")}


def _counts(rows: list[Json]) -> dict[str, int]:
    statuses = [row["status"] for row in rows]
    names = ("recorded", "unchanged", "waiting", "ignored", "failed")
    return {name: statuses.count(name) for name in names}
