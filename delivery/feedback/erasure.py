"""The end of what arrived: by time, and when a person is erased.

Items are only kept as long as somebody may want to look at them. Events stay: they are
the proof of what was counted, and name nobody once the person is erased.
"""

import contextlib
import hashlib
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from audiences import suppression
from audiences.models import Address, AddressStatus
from audiences.suppression import NoKey
from audiences.suppression.traces import NOTHING, of_address
from delivery import quarantine
from delivery.models import (
    EventKind,
    InboundClue,
    InboundItem,
    InboundMention,
    Message,
    MessageEvent,
    QuarantineAction,
    QuarantineEntry,
)

State = InboundItem.State
BATCH = 1_000
ERASED = _("erased with the person that it names")


def clean_up(now: datetime | None = None) -> int:
    """Remove items that are done with and old; what waits for a human stays.

    In batches, each a short transaction. Returns how many went.
    """
    before = (now or timezone.now()) - timedelta(days=settings.FEEDBACK_DAYS)
    done = InboundItem.objects.filter(
        received_at__lt=before, state__in=[State.APPLIED, State.IGNORED]
    ).order_by("received_at")
    removed = 0
    while batch := list(done.values_list("pk", flat=True)[:BATCH]):
        InboundItem.objects.filter(pk__in=batch).delete()
        removed += len(batch)
    return removed


def forget_reports(profile_id: int, addresses: Iterable[tuple[str, str]]) -> None:
    """Erase what arrived about a person whose rows are about to go.

    As far as we know who is meant: items whose events are about the person's messages,
    and items that name an address of the person (channel and key).
    """
    events = MessageEvent.objects.filter(
        message__in=Message.objects.filter(profile_id=profile_id)
    )
    named = Q(pk__in=[])
    for channel, key in addresses:
        named |= Q(channel=channel, key=key)
    mentions = InboundMention.objects.filter(named)
    items = InboundItem.objects.filter(
        Q(pk__in=mentions.values("item")) | Q(pk__in=events.values("item"))
    )
    pks = list(items.values_list("pk", flat=True))
    _end_holds(pks)
    chosen = InboundItem.objects.filter(pk__in=pks)
    chosen.filter(state__in=[State.NEW, *InboundItem.WAITING]).update(
        state=State.IGNORED, decided_at=timezone.now()
    )
    chosen.update(raw=b"", size=0, note=ERASED)
    InboundMention.objects.filter(item__in=pks).delete()
    InboundClue.objects.filter(item__in=pks).delete()
    _keep_successes(list(events.filter(kind=EventKind.DELIVERED, key__isnull=False)))
    events.update(key=None, text=None, domain=None)


# ------------------------------------------------------------ what comes too late
def of_nobody(names: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of these addresses (channel and key) that are suppressed and nobody's.

    Their person was erased: what still arrives about them is about nobody.
    """
    with contextlib.suppress(NoKey):
        met = suppression.met([*names])
        held = Address.objects.filter(key__in={key for _channel, key in met})
        return met - set(held.values_list("channel", "key"))
    return set()


def forget_item(
    item: InboundItem, names: Iterable[tuple[str, str]], *, is_over: bool
) -> None:
    """Forget an item that arrived about a person who was erased before.

    `names` are the addresses in it that nobody has any more. When it `is_over` all of
    it goes. What says something about others, for whom it still waits, is only
    blacked out. The caller writes down what became of it.
    """
    named, about = Q(pk__in=[]), NOTHING
    for channel, key in names:
        named |= Q(channel=channel, key=key)
        about += of_address(channel, key, key)
    number = item.external_id
    if about.are_in(number):
        number = hashlib.sha256(f"{item.pk}".encode()).hexdigest()
    with transaction.atomic():
        if is_over:
            _end_holds([item.pk])
            raw = b""
            item.mentions.all().delete()
            item.clues.all().delete()
        else:
            text = bytes(item.raw).decode("utf-8", "surrogateescape")
            raw = about.without(text).encode("utf-8", "surrogateescape")
            item.mentions.filter(named).delete()
        item.raw, item.size, item.external_id = raw, len(raw), number
        item.save(update_fields=["raw", "size", "external_id"])


def _end_holds(pks: list[int]) -> None:
    """Nobody can decide about an item that is erased: what it holds is let go.

    Also the address of somebody else whom the same item names.
    """
    # Items are locked before entries, as when they are read.
    locked = InboundItem.objects.order_by("pk").select_for_update(of=("self",))
    held = list(locked.filter(pk__in=pks, state=State.HELD).only("pk"))
    holds = QuarantineAction.objects.filter(
        kind=QuarantineAction.Kind.HOLD,
        key__in=InboundMention.objects.filter(item__in=held).values("key"),
        text__in=[item.hold_text for item in held],
    ).order_by("channel", "key")
    for channel, key, text in list(holds.values_list("channel", "key", "text")):
        quarantine.end_hold(channel, key, source="erasure", text=text)


def _keep_successes(events: list[MessageEvent]) -> None:
    """Evidence of addresses in quarantine outlives the events that named them (Q9)."""
    held = {
        (entry.channel, entry.key)
        for entry in QuarantineEntry.objects.filter(
            key__in={event.key for event in events}
        )
    }
    QuarantineAction.objects.bulk_create(
        QuarantineAction(
            channel=event.channel,
            key=event.key or "",
            at=event.at,
            kind=QuarantineAction.Kind.SUCCESS,
            status=AddressStatus.VALID,
            source=event.source,
        )
        for event in events
        if (event.channel, event.key) in held
    )
