"""What comes back: kept as it arrives, then applied, each event once.

The only writer of inbound items and message events. `receive` stores before anybody
reads. `apply` is the one function that lets an event act: on the quarantine of an
address, on consent, and on what became of a message. Any order and any number of times
gives the same state:

- an event counts once for its source and number. Without a number, what the report says
  is its number: a second copy of a bounce says the same;
- the same failure told by two sources (a mailbox and a webhook) is kept as two events;
  the quarantine counts the failure of a message once (`delivery.evidence`), and so do
  the rates;
- what is told late is put where its own time belongs: status and counts are computed
  from all evidence in the order of its time.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from operator import itemgetter

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from audiences.channels import Channel
from audiences.links.tokens import Link
from delivery.deliveries import writing as deliveries
from delivery.feedback.events import FeedbackEvent
from delivery.feedback.intake import effects, holds
from delivery.feedback.intake.matching import (
    CLOCK_SKEW,
    How,
    Match,
    key_of,
    match,
)
from delivery.models import (
    EventKind,
    InboundItem,
    InboundMention,
    Message,
    MessageEvent,
)

State = InboundItem.State
LONGEST_ID = 255
LONGEST_TEXT = 4_000
# What a recipient says about an address, not about a message: needs no message.
ABOUT_ADDRESS = (EventKind.STOP, EventKind.START)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a reader found in an item: events, and what to do when there are none.

    `mentions` are addresses (channel and address) that the item names besides those of
    the events, so that a search and an erasure find it.
    """

    events: tuple[FeedbackEvent, ...] = ()
    otherwise: InboundItem.State = State.IGNORED
    note: str = ""
    mentions: tuple[tuple[str, str], ...] = ()


Reader = Callable[[InboundItem], Findings]
# Who reads the items of a source. Readers register; see `register`.
READERS: dict[str, Reader] = {}


def register(source: str, reader: Reader) -> None:
    """Let a reader read the items of a source: when they arrive, and again later."""
    READERS[source] = reader


class Outcome(Enum):
    """What applying an event came to."""

    APPLIED = "applied"
    KNOWN = "known"
    UNMATCHED = "unmatched"


@dataclass(frozen=True)
class Applied:
    """The outcome for one event, and the message that it is about, if one is proved."""

    outcome: Outcome
    match: Match = field(default_factory=Match)


def receive(
    source: str,
    raw: bytes,
    *,
    external_id: str = "",
    size: int | None = None,
    channel: str = Channel.EMAIL,
    received_at: datetime | None = None,
    is_verified: bool = False,
) -> tuple[InboundItem, bool]:
    """Store what arrived, before anybody reads it; returns the row, and if it is new.

    `external_id` is the sender's own number; without one, a hash of the content. What
    comes again is the row that exists. Only FEEDBACK_LARGEST bytes are kept; `size` is
    that of the whole, when the caller has cut it off.
    """
    raw = raw[: settings.FEEDBACK_LARGEST]
    if not external_id or len(external_id) > LONGEST_ID:
        external_id = _hash_of(external_id.encode() or raw)
    return InboundItem.objects.get_or_create(
        source=source,
        external_id=external_id,
        defaults={
            "channel": channel,
            "received_at": received_at or timezone.now(),
            "raw": raw,
            "size": len(raw) if size is None else size,
            "is_verified": is_verified,
        },
    )


def receive_mails(
    source: str, mails: Iterable[tuple[bytes, int]]
) -> list[tuple[InboundItem, bool]]:
    """`receive` for several at once (content and size): one commit instead of many."""
    numbered = [(_hash_of(raw), raw, size) for raw, size in mails]
    arrived: dict[str, tuple[InboundItem, bool]] = {}
    with transaction.atomic():
        # Two runs that store the same mails take them in one order, so neither waits
        # for the other in a ring.
        for number, raw, size in sorted(numbered, key=itemgetter(0)):
            if number not in arrived:
                arrived[number] = receive(source, raw, external_id=number, size=size)
    found = []
    for number, _raw, _size in numbered:
        item, is_new = arrived[number]
        found.append((item, is_new))
        arrived[number] = (item, False)
    return found


def _hash_of(content: bytes) -> str:
    # Line ends differ between a mailbox and a file.
    plain = content[: settings.FEEDBACK_LARGEST].replace(b"\r\n", b"\n").strip()
    return hashlib.sha256(plain).hexdigest()


def process(item: InboundItem) -> InboundItem:
    """Read an item and apply what it says; it ends up applied, ignored or waiting.

    Safe to repeat, also after a crash at any moment. An item whose source nobody reads
    stays new. One that cannot be read or applied waits for a human, and stops no other.
    """
    reader = READERS.get(item.source)
    if reader is None:
        return item
    findings = Findings()
    try:
        findings = reader(item)
        # One event: one commit. The events of several addresses each have their own,
        # as two runs would wait for each other's addresses in a ring.
        with transaction.atomic() if len(findings.events) < 2 else nullcontext():
            return settle(item, findings)
    except (OperationalError, InterfaceError):
        raise  # the database failed: that says nothing about the item, which stays new
    except Exception as error:
        mention(item, findings)
        return conclude(item, State.UNREADABLE, note=type(error).__name__)


def settle(item: InboundItem, findings: Findings) -> InboundItem:
    """Apply the events of an item and write down what became of it."""
    mention(item, findings)
    outcomes = [apply(event, item).outcome for event in findings.events]
    if Outcome.UNMATCHED in outcomes:
        return conclude(item, State.UNMATCHED, note=findings.note)
    if outcomes:
        return conclude(item, State.APPLIED, note=findings.note)
    return conclude(item, findings.otherwise, note=findings.note)


def conclude(
    item: InboundItem, state: InboundItem.State, *, note: str = "", actor: str = ""
) -> InboundItem:
    """Write down what became of an item: by itself, or because an operator decided.

    A held item holds the numbers that it names, until it is concluded otherwise.
    """
    item.state, item.note = state, _storable(note)
    item.decided_by = actor
    item.decided_at = timezone.now() if actor else None
    with transaction.atomic():
        item.save(update_fields=["state", "note", "decided_by", "decided_at"])
        holds.follow(item, actor=actor)
    return item


def mention(item: InboundItem, findings: Findings) -> None:
    """Remember which addresses an item names."""
    named = {
        *((event.channel, event.address) for event in findings.events),
        *findings.mentions,
    }
    keys = {(c, key) for c, address in named if (key := key_of(c, address))}
    InboundMention.objects.bulk_create(
        [InboundMention(item=item, channel=c, key=k) for c, k in sorted(keys)],
        ignore_conflicts=True,
    )


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
        return Applied(Outcome.UNMATCHED, matched)
    with transaction.atomic():
        row, is_new = _keep(event, item, matched.message)
        if is_new:
            effects.act(event, row, link)
    return Applied(Outcome.APPLIED if is_new else Outcome.KNOWN, matched)


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
            "status_code": _storable(event.status_code)[:32],
            "text": _storable(event.text)[:LONGEST_TEXT],
            "item": item,
        },
    )


def _storable(text: str) -> str:
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
    own = _storable(event.event_id)
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
    at = event.at
    if at is None or at > item.received_at:
        return item.received_at
    if message and at < message.sent_at - CLOCK_SKEW:
        return item.received_at
    return at


def process_waiting() -> Iterator[InboundItem]:
    """Read what was stored and not read: after a crash nothing is lost."""
    new = InboundItem.objects.filter(state=State.NEW, source__in=list(READERS))
    for item in new.order_by("pk").iterator():
        yield process(item)
