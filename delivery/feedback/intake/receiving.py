"""What arrives is stored as it is, once, before anybody reads it."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audiences.channels import Channel
from delivery.feedback.intake.applying import LONGEST_ID
from delivery.models import InboundItem


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
