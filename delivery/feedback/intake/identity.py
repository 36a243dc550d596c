"""What makes two reports the same event, and when it happened."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from audiences import moments
from delivery.feedback.events import FeedbackEvent
from delivery.feedback.intake.matching import CLOCK_SKEW
from delivery.models import EventKind, InboundItem, Message

LONGEST_ID = 255
# What a recipient says about an address, not about a message: needs no message.
ABOUT_ADDRESS = (EventKind.STOP, EventKind.START)


def storable(text: str) -> str:
    """The text as every database can keep it."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def identity(
    event: FeedbackEvent, item: InboundItem, message: Message | None, key: str | None
) -> str:
    """The reporter's number of the event; else a hash of what it says.

    What recipients say (STOP, unsubscribe) they may say again later and mean it again:
    there the item is part of the number.
    """
    by_recipient = event.kind in (*ABOUT_ADDRESS, EventKind.UNSUBSCRIBE)
    own = storable(event.event_id)
    if own and len(own) <= LONGEST_ID and not by_recipient:
        return own
    facts: list[object] = [event.event_id, event.kind, event.channel, key]
    if by_recipient or message is None:
        # Two people may write the same words, but not to the same signed address.
        facts += event.clue.return_paths
        facts += [] if event.event_id else [item.source, item.external_id]
    elif not event.event_id:
        at = event.at.timestamp() if event.at else ""
        facts += [message.pk, event.type, event.reason, event.status_code, at]
    return digest(facts)


def digest(facts: Iterable[object]) -> str:
    return hashlib.sha256(repr([str(f) for f in facts]).encode()).hexdigest()


def moment(
    event: FeedbackEvent, item: InboundItem, message: Message | None
) -> datetime:
    """When it happened: as the report says, where that can be.

    Not after it arrived, nor before the message went out: a wrong clock, or a forger,
    must not put an error into the distant past or future.
    """
    at = moments.reported(event.at, item.received_at)
    if message and at < message.sent_at - CLOCK_SKEW:
        return item.received_at
    return at
