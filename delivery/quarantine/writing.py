"""Quarantine of addresses: the only writer of entries, evidence and copies.

An entry belongs to an address, no matter who has it, if anyone (Q1). It is computed
from its evidence; every change of evidence also rewrites the entry and the copies
beside the addresses, in one transaction.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from audiences.models import AddressStatus
from audiences.moments import in_calendar
from delivery.models import AddressError, Message, QuarantineAction, QuarantineEntry
from delivery.models.quarantine import ErrorReason, ErrorType
from delivery.quarantine.entries import (
    after_all,
    entry_of,
    key_of,
    lock_all,
    lock_name,
    locked_entry,
    recompute,
    recompute_all,
)
from delivery.quarantine.status import rank
from delivery.quarantine.status_copies import copy_status


def record(
    channel: str,
    address: str,
    *,
    type: str,
    source: str,
    reason: str = ErrorReason.NOT_DEFINED,
    at: datetime | None = None,
    text: str = "",
    message: Message | None = None,
    event_id: str | None = None,
) -> QuarantineEntry | None:
    """Keep an error as evidence and bring the entry up to date (Q3, Q4).

    Returns the entry; None when the address has none, as after an ignored error. The
    same `event_id` of a source counts once. Raises InvalidAddress, and Refused for a
    moment outside the calendar.
    """
    key = key_of(channel, address)
    error = AddressError(
        channel=channel,
        key=key,
        at=in_calendar(at or timezone.now()),
        type=ErrorType(type),
        reason=ErrorReason(reason),
        text=text.replace("\0", ""),  # PostgreSQL keeps no NUL
        message=message,
        source=source,
        event_id=event_id,
    )
    with transaction.atomic():
        if type == ErrorType.IGNORED:
            _keep(error)
            return entry_of(channel, key)
        entry = locked_entry(channel, key)
        if _keep(error):
            recompute(entry)
        return entry


def _keep(error: AddressError) -> bool:
    """Write the error unless its event is known already; returns whether it is new."""
    if error.event_id is None:
        error.save(force_insert=True)
        return True
    fields = (*_EVIDENCE_FIELDS, "message")
    _row, is_new = AddressError.objects.get_or_create(
        source=error.source,
        event_id=error.event_id,
        defaults={name: getattr(error, name) for name in fields},
    )
    return is_new


_EVIDENCE_FIELDS = ("channel", "key", "at", "type", "reason", "text")


def set_status(
    channel: str,
    address: str,
    status: str,
    *,
    source: str,
    reason: str = ErrorReason.OPERATOR,
    text: str = "",
    actor: str = "",
) -> QuarantineEntry:
    """An operator decides the status; "valid" releases, also from the denylist (Q6).

    Raises InvalidAddress.
    """
    key = key_of(channel, address)
    with transaction.atomic():
        entry = locked_entry(channel, key)
        QuarantineAction.objects.create(
            channel=channel,
            key=key,
            at=after_all(channel, key),
            kind=QuarantineAction.Kind.SET,
            status=AddressStatus(status),
            reason=ErrorReason(reason),
            text=text,
            actor=actor,
            source=source,
        )
        recompute(entry)
    return entry


def raise_statuses(actions: list[QuarantineAction]) -> int:
    """Apply actions that set a status, except where they would not raise it.

    For lists from elsewhere. Set-based: the number of statements does not depend on the
    number of actions. Of several for one address the gravest counts, or the first of
    equally grave ones. Returns how many entries changed. The caller is in a
    transaction.
    """
    wanted: dict[tuple[str, str], QuarantineAction] = {}
    for action in actions:
        held = wanted.setdefault((action.channel, action.key), action)
        if rank(action.status) > rank(held.status):
            wanted[action.channel, action.key] = action
    # In a fixed order, or two concurrent lists would wait for each other.
    names = sorted(wanted)
    rows = [QuarantineEntry(channel=c, key=k, status="valid") for c, k in names]
    present = {(e.channel, e.key): e for e in lock_all(rows)}
    raising = []
    for name, action in wanted.items():
        if rank(action.status) > rank(present[name].status):
            action.at = timezone.now()
            raising.append(action)
    if raising:
        QuarantineAction.objects.bulk_create(raising)
        recompute_all([present[a.channel, a.key] for a in raising])
    return len(raising)


def delivered(channel: str, key: str) -> None:
    """Take note that a message reached the address (Q5).

    The event is the evidence, whenever it arrives; the caller has written it in this
    transaction. An address without an entry needs none.
    """
    with transaction.atomic():
        lock_name(channel, key)
        rows = QuarantineEntry.objects.select_for_update(of=("self",))
        entry = rows.filter(channel=channel, key=key).first()
        if entry:
            recompute(entry)


def start(channel: str, address: str, *, at: datetime, source: str, text: str) -> None:
    """The recipient texted START: undo what their STOP did, and nothing else.

    Every STOP until then is discounted, whichever of the two arrives first. Other
    errors, complaints and what operators decided stay. Raises InvalidAddress.
    """
    key = key_of(channel, address)
    with transaction.atomic():
        entry = locked_entry(channel, key)
        QuarantineAction.objects.create(
            channel=channel,
            key=key,
            at=in_calendar(at),
            kind=QuarantineAction.Kind.START,
            status=AddressStatus.VALID,
            reason=ErrorReason.STOP,
            text=text,
            source=source,
        )
        recompute(entry)


def delete(entry: QuarantineEntry, *, source: str, actor: str = "") -> None:
    """Release an entry and take it off the list; its evidence stays (Q6)."""
    with transaction.atomic():
        locked_entry(entry.channel, entry.key)
        QuarantineAction.objects.create(
            channel=entry.channel,
            key=entry.key,
            at=after_all(entry.channel, entry.key),
            kind=QuarantineAction.Kind.SET,
            status=AddressStatus.VALID,
            text="deleted",
            actor=actor,
            source=source,
        )
        copy_status(entry.channel, [entry.key], AddressStatus.VALID)
        QuarantineEntry.objects.filter(channel=entry.channel, key=entry.key).delete()
