"""`quarantine`, as it is sent and answered."""

from typing import Annotated, Literal

from ninja import Schema
from pydantic import Field

from audiences.api.shapes import (
    AddressText,
    ChannelCode,
    Past,
    Short,
    Strict,
    When,
    example,
)
from delivery.models.quarantine import ErrorReason

StatusCode = Literal["valid", "erroneous", "quarantine", "denylisted"]


class QuarantineAddress(Strict):
    """An address on its channel."""

    model_config = example(channel="email", address="ann@example.org")

    channel: ChannelCode
    address: AddressText


class ReleaseIn(QuarantineAddress):
    """An address to make valid again, with why."""

    model_config = example(
        channel="email", address="ann@example.org", text="It was a slip."
    )

    text: Short = Field(
        "", description="Why; an address on the denylist is released by it alone."
    )


class ErrorIn(QuarantineAddress):
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


class StatusIn(QuarantineAddress):
    """What somebody decides about an address."""

    model_config = example(
        channel="email",
        address="ann@example.org",
        status="denylisted",
        text="Asked by phone.",
    )

    status: StatusCode = "quarantine"
    reason: ErrorReason = ErrorReason.OPERATOR
    text: Short = Field(
        "", description="Why; what takes an address from the denylist needs it."
    )


class Entry(Schema):
    """An entry as it is now; without one an address is valid."""

    channel: str
    address: str
    status: str
    reason: str = ""


class Entries(Schema):
    items: list[Entry]
    cursor: str | None = None


class EntryOut(Schema):
    """What is known of an address together, as it counts now."""

    status: str
    reason: str
    type: str
    error_count: int
    first_error_at: When | None = None
    last_error_at: When | None = None
    text: str
    last_delivery_id: int | None = None
    releases_at: When | None = None


class ErrorOut(Schema):
    """One error: the evidence."""

    at: When
    type: str
    reason: str
    text: str
    source: str
    event_id: str | None = None


class ActionOut(Schema):
    """What somebody decided."""

    at: When
    kind: str
    status: str
    reason: str
    text: str
    actor: str
    source: str


class HolderOut(Schema):
    """Who has the address; the number alone without profiles:read."""

    id: int
    external_id: str | None = None
    address: str | None = None
    primary: bool | None = None


class Described(Schema):
    """Everything known about an address."""

    channel: str
    address: str
    status: str
    entry: EntryOut | None = None
    errors: list[ErrorOut]
    actions: list[ActionOut]
    profiles: list[HolderOut]
