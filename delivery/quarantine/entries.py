"""The entry of an address: locked by name, computed from its evidence, and copied.

The copy of its status beside each address is written in the entry's own transaction.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import Max, QuerySet
from django.utils import timezone

from audiences import feed, sql
from audiences.feed import Event
from audiences.models import AddressStatus
from audiences.sql import row_locks
from delivery.models import (
    AddressError,
    EventKind,
    MessageEvent,
    QuarantineAction,
    QuarantineEntry,
)
from delivery.quarantine.order import ActionKind
from delivery.quarantine.status import STORED, fold
from delivery.quarantine.status_copies import copy_statuses

from .names import BATCH, Name, about

Evidence = dict[Name, tuple[list[AddressError], list[QuarantineAction]]]


def entry_of(channel: str, key: str) -> QuarantineEntry | None:
    return QuarantineEntry.objects.filter(channel=channel, key=key).first()


# ------------------------------------------------------------------ evidence
def gather(entries: list[QuarantineEntry]) -> Evidence:
    """The errors, actions and successes of each entry, in three queries.

    A success is an event that says that a message reached the address (Q5).
    """
    found: Evidence = {(entry.channel, entry.key): ([], []) for entry in entries}
    rows = about(found)
    errors = AddressError.objects.filter(rows).select_related("message")
    for error in errors:
        found[error.channel, error.key][0].append(error)
    for action in QuarantineAction.objects.filter(rows):
        found[action.channel, action.key][1].append(action)
    events = MessageEvent.objects.filter(rows, kind=EventKind.DELIVERED)
    for channel, key, at in events.values_list("channel", "key", "at"):
        success = QuarantineAction(
            at=at, kind=ActionKind.SUCCESS, status=AddressStatus.VALID
        )
        found[channel, key or ""][1].append(success)
    return found


def place(actions: Iterable[QuarantineAction]) -> None:
    """Say of what is decided now about locked entries when that is, and what was known.

    Now, but after everything that is on record about the address, also if the clock
    has gone back or had dated an error in the future.
    """
    now, deciding = timezone.now(), {(a.channel, a.key): a for a in actions}
    for action in deciding.values():
        action.at, action.known_error_id = now, 0
    rows = about(deciding)
    errors = AddressError.objects.filter(rows).order_by().values_list("channel", "key")
    for channel, key, at, last in errors.annotate(at=Max("at"), last=Max("pk")):
        action = deciding[channel, key]
        action.at, action.known_error_id = max(action.at, at), last
    past = QuarantineAction.objects.filter(rows).order_by()
    for channel, key, at in past.values_list("channel", "key").annotate(at=Max("at")):
        action = deciding[channel, key]
        action.at = max(action.at, at + datetime.resolution)


def batches(queryset: QuerySet[QuarantineEntry]) -> Iterator[list[QuarantineEntry]]:
    """The entries in batches by id, so that changing one does not disturb others."""
    last = 0
    while batch := list(queryset.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield batch
        last = batch[-1].pk


# ------------------------------------------------------------------ locks
def lock_entries(names: Iterable[Name]) -> dict[Name, QuarantineEntry]:
    """The entries with these names, made where there are none, and locked.

    Always in the order of their names (`audiences.addresses.address_book` has the whole
    order), so two writers never wait for each other. Until the transaction ends nobody
    else writes about these addresses.
    """
    names = sorted(set(names))
    row_locks.insert_or_lock(
        QuarantineEntry,
        [
            QuarantineEntry(channel=c, key=k, status=AddressStatus.VALID)
            for c, k in names
        ],
        unique=("channel", "key"),
    )
    entries = QuarantineEntry.objects.filter(about(names))
    return {(entry.channel, entry.key): entry for entry in entries}


def lock_existing(rows: QuerySet[QuarantineEntry]) -> list[QuarantineEntry]:
    """The entries of a queryset, locked in the same order."""
    return row_locks.lock_in_order(rows, "channel", "key")


def lock_name(channel: str, key: str) -> None:
    """Keep all others from writing about this address until the transaction ends.

    An entry that does not exist yet, and is not to be made, cannot be locked; its name
    can.
    """
    sql.hold(f"quarantine:{channel}:{key}")


def locked_entry(channel: str, key: str) -> QuarantineEntry:
    lock_name(channel, key)
    return lock_entries([(channel, key)])[channel, key]


# ------------------------------------------------------------------ the entry
def recompute(*entries: QuarantineEntry) -> None:
    """Bring locked entries up to date, in a fixed number of statements."""
    evidence = gather(list(entries))
    before = {(entry.channel, entry.key): entry.status for entry in entries}
    for entry in entries:
        state = fold(*evidence[entry.channel, entry.key])
        for name, value in state.fields().items():
            setattr(entry, name, value)
    sql.bulk_update(QuarantineEntry, STORED, entries)
    copy_statuses((entry.channel, entry.key) for entry in entries)
    _tell(before, entries)


_BAD = (AddressStatus.QUARANTINE, AddressStatus.DENYLISTED)


def _tell(before: dict[Name, str], entries: Iterable[QuarantineEntry]) -> None:
    """Tell the feed which addresses get nothing any more, and which do again."""
    feed.tell(
        feed.Fact(
            name=Event.QUARANTINED if entry.status in _BAD else Event.RELEASED,
            channel=entry.channel,
            key=entry.key,
            data={"status": str(entry.status), "reason": str(entry.reason or "")},
        )
        for entry in entries
        if (was := before[entry.channel, entry.key]) != entry.status
        and (was in _BAD or entry.status in _BAD)
    )
