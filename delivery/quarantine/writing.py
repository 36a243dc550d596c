"""Quarantine of addresses: the only writer of entries, evidence and copies.

An entry belongs to an address, no matter who has it, if anyone (Q1). It is computed
from its evidence; every change of evidence also rewrites the entry and the copies
beside the addresses, in one transaction.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Max
from django.utils import timezone

from audiences.models import AddressStatus
from audiences.moments import happened
from audiences.sql.retries import retried
from delivery.models import AddressError, Message, QuarantineAction, QuarantineEntry
from delivery.models.quarantine import ErrorReason, ErrorType
from delivery.quarantine.order import ActionKind
from delivery.quarantine.status import rank

from .entries import entry_of, lock_entries, lock_name, locked_entry, place, recompute
from .names import Name, about, key_of
from .status_copies import copy_statuses


@retried
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
    same `event_id` of a source counts once. Raises InvalidAddress, and BadMoment for a
    time that lies ahead or outside the calendar.
    """
    key = key_of(channel, address)
    error = AddressError(
        channel=channel,
        key=key,
        at=happened(at),
        type=ErrorType(type),
        reason=ErrorReason(reason),
        text=text.replace("\0", ""),  # PostgreSQL keeps no NUL
        message=message,
        source=source,
        event_id=event_id,
    )
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
    fields = ("channel", "key", "at", "type", "reason", "text", "message")
    _row, is_new = AddressError.objects.get_or_create(
        source=error.source,
        event_id=error.event_id,
        defaults={name: getattr(error, name) for name in fields},
    )
    return is_new


@retried
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

    It discounts the errors that are on record, and none that is recorded later. Raises
    InvalidAddress.
    """
    entry = locked_entry(channel, key_of(channel, address))
    facts = {"reason": ErrorReason(reason), "text": text, "actor": actor}
    _decide(entry, AddressStatus(status), source=source, **facts)
    recompute(entry)
    return entry


def _decide(entry: QuarantineEntry, status: AddressStatus, **facts: str) -> None:
    """Keep a decision about a locked entry."""
    decision = QuarantineAction(
        channel=entry.channel,
        key=entry.key,
        kind=ActionKind.SET,
        status=status,
        **facts,
    )
    place([decision])
    decision.save(force_insert=True)


def _act(
    entry: QuarantineEntry, kind: ActionKind, status: AddressStatus, **facts: Any
) -> None:
    """Keep an action as evidence and bring the locked entry up to date."""
    QuarantineAction.objects.create(
        channel=entry.channel, key=entry.key, kind=kind, status=status, **facts
    )
    recompute(entry)


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
    present = lock_entries(wanted)
    raising = [
        action
        for name, action in wanted.items()
        if rank(action.status) > rank(present[name].status)
    ]
    kept = [*raising, *_said_again(wanted, present)]
    if kept:
        place(kept)
        for action in kept:
            action.pk = None  # an earlier attempt, a victim of others, had numbered it
        QuarantineAction.objects.bulk_create(kept)
    if raising:
        recompute(*(present[action.channel, action.key] for action in raising))
    return len(raising)


def _said_again(
    wanted: Mapping[Name, QuarantineAction], present: Mapping[Name, QuarantineEntry]
) -> list[QuarantineAction]:
    """Actions that say what an operator had said, who may take it back: these stay.

    So an undo never releases what a list says too. Once is enough.
    """
    same = [
        name
        for name, action in wanted.items()
        if action.act_id is None
        and action.status == present[name].status
        and present[name].reason == ErrorReason.OPERATOR
    ]
    if not same:
        return []
    rows = QuarantineAction.objects.filter(about(same)).order_by()
    last = rows.values("channel", "key").annotate(last=Max("id")).values("last")
    undoable = QuarantineAction.objects.filter(
        pk__in=last, kind=ActionKind.SET, act_id__isnull=False
    )
    return [wanted[name] for name in undoable.values_list("channel", "key")]


@retried
def delivered(channel: str, key: str) -> None:
    """Take note that a message reached the address (Q5).

    The event is the evidence, whenever it arrives; the caller has written it in this
    transaction. An address without an entry needs none.
    """
    lock_name(channel, key)
    rows = QuarantineEntry.objects.select_for_update(of=("self",))
    entry = rows.filter(channel=channel, key=key).first()
    if entry:
        recompute(entry)


@retried
def start(channel: str, address: str, *, at: datetime, source: str, text: str) -> None:
    """The recipient texted START: undo what their STOP did, and nothing else.

    Every STOP until then is discounted, whichever of the two arrives first. Other
    errors, complaints and what operators decided stay. Raises InvalidAddress.
    """
    entry = locked_entry(channel, key_of(channel, address))
    _act(
        entry,
        ActionKind.START,
        AddressStatus.VALID,
        at=happened(at),
        reason=ErrorReason.STOP,
        text=text,
        source=source,
    )


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
    facts = {"source": source, "text": text, "actor": actor}
    _beside(channel, address, ActionKind.DECIDE, at=timezone.now(), **facts)


@retried
def _beside(
    channel: str,
    address: str,
    kind: ActionKind,
    *,
    at: datetime,
    text: str,
    **facts: str,
) -> None:
    key = key_of(channel, address)
    entry = locked_entry(channel, key)
    told = QuarantineAction.objects.filter(channel=channel, key=key, text=text)
    kinds = {*told.values_list("kind", flat=True)}
    holds = kind == ActionKind.HOLD
    if kind not in kinds and (holds or ActionKind.HOLD in kinds):
        status = AddressStatus.DENYLISTED if holds else AddressStatus.VALID
        facts |= {"text": text, "reason": ErrorReason.STOP}
        _act(entry, kind, status, at=happened(at), **facts)


@retried
def delete(entry: QuarantineEntry, *, source: str, actor: str = "") -> None:
    """Release an entry and take it off the list; its evidence stays (Q6)."""
    locked = locked_entry(entry.channel, entry.key)
    facts = {"text": "deleted", "actor": actor, "source": source}
    _decide(locked, AddressStatus.VALID, **facts)
    locked.delete()
    copy_statuses([(entry.channel, entry.key)])
