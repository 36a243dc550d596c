"""Much evidence at once: errors and successes of many addresses in a few statements."""

from collections.abc import Iterable

from django.db import transaction

from audiences import sql
from audiences.sql.once import insert_new
from delivery.models import AddressError, QuarantineEntry
from delivery.models.quarantine import ErrorType

from .entries import lock_entries, recompute
from .names import about

_COLUMNS = (
    *("channel", "key", "at", "type", "reason", "text", "message_id", "source"),
    "event_id",
)
Name = tuple[str, str]


def record_all(errors: list[AddressError], delivered: Iterable[Name] = ()) -> None:
    """What `record` and `delivered` do, for many addresses in one transaction.

    Each error has an `event_id`; one of a source counts once. The number of statements
    does not depend on the number of errors: a few hundred are a good batch.
    """
    counting = {(e.channel, e.key) for e in errors if e.type != ErrorType.IGNORED}
    names = sorted(counting | set(delivered))
    if not errors and not names:
        return
    with transaction.atomic(savepoint=False):
        entries = _locked(names, counting)
        # Under the locks: what an entry is computed from is complete.
        rows = sorted(errors, key=lambda error: (error.source, error.event_id or ""))
        insert_new(
            AddressError,
            _COLUMNS,
            [[getattr(error, name) for name in _COLUMNS] for error in rows],
            key=("source", "event_id"),
        )
        if entries:
            recompute(*entries)


def _locked(names: list[Name], counting: set[Name]) -> list[QuarantineEntry]:
    """The entries of these addresses, locked; those with counting errors are made.

    The names come first, all in one order: an entry that somebody else is making right
    now is waited for.
    """
    if not names:
        return []
    sql.hold(*(f"quarantine:{channel}:{key}" for channel, key in names))
    existing = QuarantineEntry.objects.filter(about(names))
    there = set(existing.values_list("channel", "key"))
    return list(lock_entries(there | counting).values())
