"""The entry of an address: locked by name, computed from its evidence, and copied.

The copy of its status beside each address is written in the entry's own transaction.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from audiences import addresses, sql
from audiences.models import AddressStatus
from delivery.models import (
    AddressError,
    EventKind,
    MessageEvent,
    QuarantineAction,
    QuarantineEntry,
)
from delivery.quarantine.status import STORED, ActionKind, fold
from delivery.quarantine.status_copies import copy_status

BATCH = 1000

Evidence = dict[tuple[str, str], tuple[list[AddressError], list[QuarantineAction]]]


def key_of(channel: str, address: str) -> str:
    """The key of an address that someone gave; a refusal says which address."""
    try:
        return addresses.normalise(channel, address).key
    except addresses.InvalidAddress as error:
        raise addresses.InvalidAddress(
            f"{address!r} is not an address for {channel}: {error}"
        ) from error


def entry_of(channel: str, key: str) -> QuarantineEntry | None:
    return QuarantineEntry.objects.filter(channel=channel, key=key).first()


# ------------------------------------------------------------------ evidence
def gather(entries: list[QuarantineEntry]) -> Evidence:
    """The errors, actions and successes of each entry, in three queries.

    A success is an event that says that a message reached the address (Q5).
    """
    found: Evidence = {(entry.channel, entry.key): ([], []) for entry in entries}
    errors = AddressError.objects.filter(about(entries)).select_related("message")
    for error in errors:
        found[error.channel, error.key][0].append(error)
    for action in QuarantineAction.objects.filter(about(entries)):
        found[action.channel, action.key][1].append(action)
    events = MessageEvent.objects.filter(about(entries), kind=EventKind.DELIVERED)
    for channel, key, at in events.values_list("channel", "key", "at"):
        success = QuarantineAction(
            at=at, kind=ActionKind.SUCCESS, status=AddressStatus.VALID
        )
        found[channel, key or ""][1].append(success)
    return found


def about(entries: list[QuarantineEntry]) -> Q:
    """The rows about the addresses of the entries."""
    rows = Q(pk__in=[])
    for channel in {entry.channel for entry in entries}:
        keys = [entry.key for entry in entries if entry.channel == channel]
        rows |= Q(channel=channel, key__in=keys)
    return rows


def after_all(channel: str, key: str) -> datetime:
    """Now, or the latest error if a wrong clock has dated it in the future."""
    errors = AddressError.objects.filter(channel=channel, key=key)
    latest: datetime | None = errors.aggregate(at=Max("at"))["at"]
    now = timezone.now()
    return max(now, latest) if latest else now


def batches(queryset: QuerySet[QuarantineEntry]) -> Iterator[list[QuarantineEntry]]:
    """The entries in batches by id, so that changing one does not disturb others."""
    last = 0
    while batch := list(queryset.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield batch
        last = batch[-1].pk


# ------------------------------------------------------------------ locks
def lock_all(rows: list[QuarantineEntry]) -> list[QuarantineEntry]:
    QuarantineEntry.objects.bulk_create(rows, ignore_conflicts=True)
    locked = QuarantineEntry.objects.select_for_update(of=("self",)).order_by("pk")
    return list(locked.filter(about(rows)))


def lock_name(channel: str, key: str) -> None:
    """Keep all others from writing about this address until the transaction ends.

    An entry that does not exist yet cannot be locked; its name can.
    """
    sql.hold(f"quarantine:{channel}:{key}")


def locked_entry(channel: str, key: str) -> QuarantineEntry:
    lock_name(channel, key)
    QuarantineEntry.objects.get_or_create(
        channel=channel, key=key, defaults={"status": AddressStatus.VALID}
    )
    rows = QuarantineEntry.objects.select_for_update(of=("self",))
    return rows.get(channel=channel, key=key)


# ------------------------------------------------------------------ the entry
def recompute(*entries: QuarantineEntry) -> None:
    """Bring locked entries up to date, in a fixed number of statements."""
    keys: dict[tuple[str, str], list[str]] = defaultdict(list)
    evidence = gather(list(entries))
    for entry in entries:
        state = fold(*evidence[entry.channel, entry.key])
        for name, value in state.fields().items():
            setattr(entry, name, value)
        keys[entry.channel, state.status].append(entry.key)
    sql.bulk_update(QuarantineEntry, STORED, entries)
    for (channel, status), changed in keys.items():
        copy_status(channel, changed, status)
