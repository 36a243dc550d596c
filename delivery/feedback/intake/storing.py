"""What arrives is stored as it is, once, before anybody reads it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audiences.channels import Channel
from audiences.sql.once import insert_new
from delivery.feedback.intake.identity import LONGEST_ID
from delivery.models import InboundItem

_COLUMNS = (
    *("source", "external_id", "channel", "received_at", "raw", "size"),
    *("is_verified", "state", "note", "decided_by", "decided_at"),
)


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
    item = InboundItem(
        source=source,
        external_id=_number_of(external_id, raw),
        channel=channel,
        received_at=received_at or timezone.now(),
        raw=raw,
        size=len(raw) if size is None else size,
        is_verified=is_verified,
    )
    ((found, is_new),) = _store([item])
    return found, is_new


def receive_mails(
    source: str, mails: Iterable[tuple[bytes, int]]
) -> list[tuple[InboundItem, bool]]:
    """`receive` for several at once (content and size): one commit instead of many."""
    now = timezone.now()
    arrived = [
        InboundItem(
            source=source,
            external_id=_hash_of(raw),
            channel=Channel.EMAIL,
            received_at=now,
            raw=raw[: settings.FEEDBACK_LARGEST],
            size=size,
        )
        for raw, size in mails
    ]
    return _store(arrived)


@dataclass(frozen=True)
class Arrived:
    """One of several that came in a call; `external_id` as for `receive`."""

    external_id: str
    channel: str
    raw: bytes


def receive_all(
    source: str, arrived: Iterable[Arrived]
) -> list[tuple[InboundItem, bool]]:
    """`receive` for several of a call whose sender has proved who it is."""
    now = timezone.now()
    items = [
        InboundItem(
            source=source,
            external_id=_number_of(one.external_id, one.raw),
            channel=one.channel,
            received_at=now,
            raw=one.raw,
            size=len(one.raw),
            is_verified=True,
        )
        for one in arrived
    ]
    return _store(items) if items else []


def _store(items: list[InboundItem]) -> list[tuple[InboundItem, bool]]:
    """Each item as it is in the database, and whether it is new; all of one source.

    In the order of their numbers, so that two runs that store the same wait for each
    other in no ring.
    """
    wanted = {item.external_id: item for item in reversed(items)}
    with transaction.atomic():
        new = insert_new(
            InboundItem,
            _COLUMNS,
            [
                [getattr(item, name) for name in _COLUMNS]
                for _number, item in sorted(wanted.items())
            ],
            key=("source", "external_id"),
        )
    for (_source, number), pk in new.items():
        wanted[number].pk = pk
        wanted[number]._state.adding = False
    missing = [number for number in wanted if (items[0].source, number) not in new]
    if missing:
        known = InboundItem.objects.filter(source=items[0].source)
        for item in known.filter(external_id__in=missing):
            wanted[item.external_id] = item
    told: set[str] = set(missing)
    found = []
    for item in items:
        number = item.external_id
        found.append((wanted[number], number not in told))
        told.add(number)
    return found


def _number_of(external_id: str, raw: bytes) -> str:
    if external_id and len(external_id) <= LONGEST_ID:
        return external_id
    return _hash_of(external_id.encode() or raw)


def _hash_of(content: bytes) -> str:
    # Line ends differ between a mailbox and a file.
    plain = content[: settings.FEEDBACK_LARGEST].replace(b"\r\n", b"\n").strip()
    return hashlib.sha256(plain).hexdigest()
