"""Slots: which worker hands over what, and what happens to it when the worker dies.

Each worker of a delivery holds a numbered slot by a lock that dies with its process.
What it claims has the number of its slot. Whoever gets a slot knows that the worker
that held it before is gone, and settles what that left behind: what was claimed waits
again; what was being handed over is uncertain, for nobody knows whether the server has
it, and is never sent again by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from audiences import sql
from audiences.refusals import Refused
from delivery.models import Dispatch, Message, Sending

MOST = 64
Status = Dispatch.Status


class NoSlot(Refused):
    """As many workers as there may be send the delivery already."""


def _name(sending: Sending, slot: int) -> str:
    return f"sending-{sending.delivery_id}-{slot}"


@contextmanager
def held(sending: Sending, most: int = MOST) -> Iterator[int]:
    """Hold one of the first slots until the process leaves or dies; raises NoSlot."""
    for slot in range(1, most + 1):
        lock = sql.process_lock(_name(sending, slot))
        try:
            lock.__enter__()
        except sql.Locked:
            continue
        try:
            _settle(sending, slot)
            yield slot
        finally:
            lock.__exit__(None, None, None)
        return
    raise NoSlot(f"{most} workers send {sending.delivery.label!r} already.")


def settle_the_dead(sending: Sending) -> int:
    """Settle what dead workers of the delivery left behind; returns how many."""
    rows = Dispatch.objects.filter(
        delivery=sending.delivery_id,
        status__in=(Status.WAITING, Status.HANDING_OVER),
        slot__isnull=False,
    )
    settled = 0
    for slot in sorted({slot or 0 for slot in rows.values_list("slot", flat=True)}):
        try:
            with sql.process_lock(_name(sending, slot)):
                settled += _settle(sending, slot)
        except sql.Locked:
            continue  # it is alive
    return settled


def _settle(sending: Sending, slot: int) -> int:
    """What the slot's last worker had claimed waits again; what it had begun is
    uncertain.

    That counts as a message, for its recipient may have it. Returns how many.
    """
    with transaction.atomic():
        held = Dispatch.objects.filter(delivery=sending.delivery_id, slot=slot)
        held.filter(status=Status.WAITING).update(due_at=timezone.now(), slot=None)
        left = held.filter(status=Status.HANDING_OVER).select_for_update()
        found = dict(left.values_list("profile_id", "at"))
        if not found:
            return 0
        addresses = dict(
            sending.delivery.outcomes.filter(profile_id__in=[*found]).values_list(
                "profile_id", "address"
            )
        )
        Message.objects.bulk_create(
            Message(
                delivery_id=sending.delivery_id,
                profile_id=pk,
                channel=sending.delivery.channel,
                address=addresses.get(pk) or "",
                sent_at=at,
            )
            for pk, at in found.items()
        )
        left.update(
            status=Status.UNCERTAIN,
            at=timezone.now(),
            attempts=F("attempts"),
            slot=None,
        )
    return len(found)
