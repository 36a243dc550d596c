"""What an operator decides about items that wait: which message, or none."""

from dataclasses import dataclass

from django.db import DatabaseError
from django.utils.translation import gettext as _

from audiences.channels import Channel
from audiences.refusals import Refused
from delivery.feedback.intake.concluding import conclude
from delivery.feedback.intake.matching import Match, key_of, match_all, reports_of
from delivery.feedback.text_messages import inbound
from delivery.models import EventKind, InboundItem, Message
from delivery.models.quarantine import ErrorReason, ErrorType

from . import erasure, intake
from .events import FeedbackEvent
from .intake import EventOutcome, Findings

State = InboundItem.State
SOURCE = "operator"


class CannotDecide(Refused):
    """The decision does not fit the item; the message says why."""


@dataclass(frozen=True)
class Reported:
    """One event of an item, and what it may be about."""

    event: FeedbackEvent
    match: Match


def reported(item: InboundItem) -> list[Reported]:
    """What an item says, read anew; nothing is stored."""
    told = reports_of(findings(item).events, item)
    return [
        Reported(report.event, match)
        for report, match in zip(told, match_all(told), strict=True)
    ]


def findings(item: InboundItem) -> Findings:
    """What the reader of the item's source finds in it now.

    Nothing in an item that breaks its reader: an operator must be able to open it.
    """
    reader = intake.READERS.get(item.source)
    try:
        return reader(item) if reader and item.raw else Findings()
    except DatabaseError:
        raise
    except Exception:
        return Findings()


# What an operator can read in an item that no program understands.
SAID = {
    "hard": (EventKind.FAILED, ErrorType.HARD),
    "soft": (EventKind.FAILED, ErrorType.SOFT),
    "complaint": (EventKind.COMPLAINT, ErrorType.IGNORED),
    "unsubscribe": (EventKind.UNSUBSCRIBE, ErrorType.IGNORED),
}


def match_to(
    item: InboundItem, message: Message, *, actor: str, says: str = ""
) -> InboundItem:
    """Apply an item as one about this message: of its events, that of the address.

    An item with a single event needs no such address: a forwarded mail fails at
    another one. `says` (a key of SAID) is what the operator reads in an item without
    events. Raises CannotDecide.
    """
    _require_waiting(item)
    events = list(findings(item).events)
    chosen = _about(events, message)
    if not events and says in SAID:
        kind, type = SAID[says]
        chosen = FeedbackEvent(
            kind=kind,
            channel=message.channel,  # type: ignore[arg-type]
            address=message.address,
            source=SOURCE,
            type=type,
            reason=ErrorReason.NOT_DEFINED,
            event_id=f"item:{item.pk}",
        )
    if chosen is None:
        raise CannotDecide(
            _("Nothing in it is about the address of this message: say what it says.")
            if not events
            else _("It names several addresses, and none is that of this message.")
        )
    applied = intake.apply(chosen, item, message=message)
    rest = [intake.apply(e, item).outcome for e in events if e is not chosen]
    still = State.UNMATCHED if EventOutcome.UNMATCHED in rest else State.APPLIED
    note = _("Matched to message {number}.").format(number=message.pk)
    if applied.is_erased:
        key = key_of(chosen.channel, chosen.address)
        names = [(chosen.channel, key)] if key else []
        erasure.forget_item(item, names, is_over=still == State.APPLIED)
    return conclude(item, still, note=note, actor=actor)


def _about(events: list[FeedbackEvent], message: Message) -> FeedbackEvent | None:
    events = [event for event in events if event.channel == message.channel]
    key = key_of(message.channel, message.address)
    same = [event for event in events if key_of(event.channel, event.address) == key]
    chosen = same or (events if len(events) == 1 else [])
    return chosen[0] if chosen else None


def ignore(item: InboundItem, *, note: str, actor: str) -> InboundItem:
    """Let an item change nothing. What it did before stays."""
    _require_waiting(item)
    return conclude(item, State.IGNORED, note=note, actor=actor)


def stop(item: InboundItem, *, actor: str) -> InboundItem:
    """What holds an address means that nothing more is wanted. Raises CannotDecide.

    A number is denied, as if STOP had been sent. A complaint or an unsubscribe mail
    counts for the address as if a provider had signed it.
    """
    _require_waiting(item)
    if item.state != State.HELD:
        raise CannotDecide(_("Only what holds an address can mean STOP."))
    if item.channel == Channel.SMS:
        return inbound.stop(item, actor=actor)
    for event in findings(item).events:
        intake.apply(event, item, is_vouched=True)
    note = _("It means that nothing more is wanted.")
    return conclude(item, State.APPLIED, note=note, actor=actor)


def read_again(item: InboundItem) -> InboundItem:
    """Read a waiting item anew: a reader may understand it now."""
    _require_waiting(item)
    if not item.raw:
        raise CannotDecide(_("There is nothing left to read."))
    return intake.process(item)


def _require_waiting(item: InboundItem) -> None:
    if not item.is_waiting and item.state != State.NEW:
        raise CannotDecide(_("This was decided already."))
