"""One event of a report: matched, kept as evidence, counted once, acted on."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from django.db import transaction

from audiences import moments
from audiences.channels import Channel
from audiences.links import Link
from delivery import deliveries
from delivery.feedback.events import FeedbackEvent
from delivery.feedback.intake import effects
from delivery.feedback.intake.matching import CLOCK_SKEW, How, Match, key_of, match
from delivery.models import EventKind, InboundItem, Message, MessageEvent

LONGEST_ID = 255


LONGEST_TEXT = 4_000


# What a recipient says about an address, not about a message: needs no message.
ABOUT_ADDRESS = (EventKind.STOP, EventKind.START)


class EventOutcome(Enum):
    """What applying an event came to."""

    APPLIED = "applied"
    KNOWN = "known"
    UNMATCHED = "unmatched"


@dataclass(frozen=True)
class Applied:
    """The outcome for one event, and the message that it is about, if one is proved."""

    outcome: EventOutcome
    match: Match = field(default_factory=Match)


def apply(
    event: FeedbackEvent, item: InboundItem, *, message: Message | None = None
) -> Applied:
    """Let an event act, once: the one function for everything that comes back.

    An event that proves no message of ours changes nothing; a STOP or START from a
    source that nothing vouches for neither. `message` is an operator's choice.
    """
    link = _signed_link(event)
    if message:
        matched = Match(message, How.OPERATOR)
    elif link:
        matched = Match(_message_of(link), How.RETURN_PATH)
    else:
        matched = match(
            event, received_at=item.received_at, is_verified=item.is_verified
        )
    if matched.message and not link:
        link = deliveries.link(matched.message.delivery, matched.message.profile_id)
    is_proved = link is not None
    if event.kind in ABOUT_ADDRESS:
        is_proved = item.is_verified or matched.how == How.OPERATOR
    if not is_proved:
        return Applied(EventOutcome.UNMATCHED, matched)
    with transaction.atomic():
        row, is_new = _keep(event, item, matched.message)
        if is_new:
            effects.act(event, row, link)
    return Applied(EventOutcome.APPLIED if is_new else EventOutcome.KNOWN, matched)


def _signed_link(event: FeedbackEvent) -> Link | None:
    """Who unsubscribes from what, when the mail came to a signed address of ours."""
    if event.kind == EventKind.UNSUBSCRIBE:
        for address in event.clue.return_paths:
            if link := effects.unsubscribe_link(address):
                return link
    return None


def _message_of(link: Link) -> Message | None:
    if link.delivery_id is None:
        return None
    messages = Message.objects.filter(profile_id=link.profile_id)
    return messages.filter(delivery_id=link.delivery_id, channel=link.channel).first()


def _keep(
    event: FeedbackEvent, item: InboundItem, message: Message | None
) -> tuple[MessageEvent, bool]:
    """Write the event's row unless the event is known; returns it, and if it is new."""
    # The sender of an unsubscribe mail proves nothing.
    said = "" if event.kind == EventKind.UNSUBSCRIBE else event.address
    key = key_of(event.channel, message.address if message else said)
    failed = event.kind == EventKind.FAILED
    is_mail = event.channel == Channel.EMAIL
    return MessageEvent.objects.get_or_create(
        source=event.source,
        event_id=_identity(event, item, message, key),
        defaults={
            "message": message,
            "kind": event.kind,
            "channel": event.channel,
            "key": key,
            "domain": key.rpartition("@")[2][:255] if key and is_mail else None,
            "at": _moment(event, item, message),
            "type": event.type if failed else "",
            "reason": event.reason if failed else "",
            "status_code": storable(event.status_code)[:32],
            "text": storable(event.text)[:LONGEST_TEXT],
            "item": item,
        },
    )


def storable(text: str) -> str:
    """The text as every database can keep it."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _identity(
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
    return hashlib.sha256(repr([str(f) for f in facts]).encode()).hexdigest()


def _moment(
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
