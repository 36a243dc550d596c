"""One normalised event: what something that came back says about one address."""

from dataclasses import dataclass, field
from datetime import datetime

from audiences.channels import Channel
from delivery.models import EventKind
from delivery.models.quarantine import ErrorReason, ErrorType

__all__ = ["EventKind", "FeedbackEvent", "MessageClue"]


@dataclass(frozen=True, kw_only=True)
class MessageClue:
    """What a report says of the message that it is about, as it says it.

    None of this is proved: `delivery.feedback.intake.matching` does that.
    """

    # Without angle brackets.
    message_ids: tuple[str, ...] = ()
    # Whole addresses that the report was sent to: one of them may carry our token.
    return_paths: tuple[str, ...] = ()
    # The number that a provider gave the message when it took it.
    provider_id: str = ""


@dataclass(frozen=True, kw_only=True)
class FeedbackEvent:
    """Something that a report says about one address; nothing is decided yet.

    `address` is as the report has it. `type` and `reason` are those of quarantine
    (Q2); they count for FAILED alone. `status_code` is the enhanced status code (RFC
    3463), such as "5.1.1", or the provider's code. `at` is when it happened, where the
    report says so. `event_id` is the reporter's own number: one counts once for each
    `source`. Where a report hides the address or names none, `address` is empty, and
    the clue alone can say who is meant. `is_formal`: it stands in a part that is made
    for programs, or in a provider's call; what stands in a letter proves less.
    """

    kind: EventKind
    channel: Channel
    address: str
    source: str
    type: ErrorType = ErrorType.IGNORED
    reason: ErrorReason = ErrorReason.NOT_DEFINED
    status_code: str = ""
    text: str = ""
    at: datetime | None = None
    event_id: str = ""
    clue: MessageClue = field(default_factory=MessageClue)
    is_formal: bool = True
