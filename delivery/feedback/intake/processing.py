"""What comes back: kept as it arrives, then applied, each event once.

The only writer of inbound items and message events. `receive` stores before anybody
reads. `apply` is the one function that lets an event act: on the quarantine of an
address, on consent, and on what became of a message. Any order and any number of times
gives the same state:

- an event counts once for its source and number. Without a number, what the report says
  is its number: a second copy of a bounce says the same;
- the same failure told by two sources (a mailbox and a webhook) is kept as two events;
  the quarantine counts the failure of a message once
  (`delivery.quarantine.status`), and so do the rates;
- what is told late is put where its own time belongs: status and counts are computed
  from all evidence in the order of its time.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from audiences.channels import Channel
from audiences.registry import Registry
from delivery import quarantine
from delivery.feedback.events import FeedbackEvent
from delivery.feedback.intake.applying import LONGEST_ID, EventOutcome, apply, storable
from delivery.feedback.intake.matching import key_of
from delivery.models import InboundItem, InboundMention

State = InboundItem.State


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
READERS: Registry[str, Reader] = Registry("reader of")


def register(source: str, reader: Reader) -> None:
    """Let a reader read the items of a source: when they arrive, and again later."""
    READERS.add(source, reader)


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
    if EventOutcome.UNMATCHED in outcomes:
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
    item.state, item.note = state, storable(note)
    item.decided_by = actor
    item.decided_at = timezone.now() if actor else None
    with transaction.atomic():
        item.save(update_fields=["state", "note", "decided_by", "decided_at"])
        _hold(item, actor=actor)
    return item


def _hold(item: InboundItem, *, actor: str = "") -> None:
    """Hold the numbers that a held item names; end its holds when it is held no more.

    A hold belongs to an inbound item and follows its state. Nothing else may begin or
    end one, but an operator who sets the number's status, and a START of the number.
    """
    if item.channel != Channel.SMS:
        return
    text = f"Held: unclear message, inbound item {item.pk}"
    for mention in item.mentions.filter(channel=Channel.SMS):
        if item.state == State.HELD:
            quarantine.hold(
                Channel.SMS,
                mention.key,
                at=item.received_at,
                source=item.source,
                text=text,
            )
        else:
            quarantine.end_hold(
                Channel.SMS, mention.key, source="operator", text=text, actor=actor
            )


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


def process_waiting() -> Iterator[InboundItem]:
    """Read what was stored and not read: after a crash nothing is lost."""
    new = InboundItem.objects.filter(state=State.NEW, source__in=list(READERS))
    for item in new.order_by("pk").iterator():
        yield process(item)
