"""Holds: a number is denied until someone decides about an unclear message."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from audiences.models import AddressStatus
from audiences.moments import in_calendar
from delivery.models import QuarantineAction
from delivery.models.quarantine import ErrorReason
from delivery.quarantine.entries import key_of, locked_entry, recompute
from delivery.quarantine.status import ActionKind, open_hold


def hold(channel: str, address: str, *, at: datetime, source: str, text: str) -> None:
    """Deny the address until someone decides (`end_hold`) about its message.

    `text` names the decision to make, one for each hold; the same text holds once.
    Raises InvalidAddress.
    """
    _beside(channel, address, ActionKind.HOLD, at=at, source=source, text=text)


def end_hold(
    channel: str, address: str, *, source: str, text: str, actor: str = ""
) -> None:
    """End a hold by a decision: the rest of the evidence decides about the address.

    Nothing happens if there is no such hold. Raises InvalidAddress.
    """
    now = timezone.now()
    _beside(
        channel, address, ActionKind.DECIDE, at=now, source=source, text=text, by=actor
    )


def _beside(
    channel: str,
    address: str,
    kind: ActionKind,
    *,
    at: datetime,
    source: str,
    text: str,
    by: str = "",
) -> None:
    key = key_of(channel, address)
    row = {"channel": channel, "key": key, "kind": kind, "text": text}
    with transaction.atomic():
        entry = locked_entry(channel, key)
        raised = kind == ActionKind.HOLD
        if QuarantineAction.objects.filter(**row).exists():
            return
        if not raised and not QuarantineAction.objects.filter(
            **{**row, "kind": ActionKind.HOLD}
        ):
            return
        QuarantineAction.objects.create(
            **row,
            at=in_calendar(at),
            status=AddressStatus.DENYLISTED if raised else AddressStatus.VALID,
            reason=ErrorReason.STOP,
            actor=by,
            source=source,
        )
        recompute(entry)


def hold_of(channel: str, key: str) -> QuarantineAction | None:
    rows = QuarantineAction.objects.filter(channel=channel, key=key)
    return open_hold(rows.order_by("at", "pk"))
