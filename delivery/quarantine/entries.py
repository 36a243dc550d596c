"""The entry of an address: locked by name, recomputed from its evidence."""

from collections import defaultdict
from datetime import datetime

from django.db.models import Max
from django.utils import timezone

from audiences import sql
from audiences.addresses import InvalidAddress, normalise
from audiences.models import AddressStatus
from delivery.models import AddressError, QuarantineAction, QuarantineEntry
from delivery.quarantine.evidence import about, gather, successes
from delivery.quarantine.status import STORED, EntryState, fold
from delivery.quarantine.status_copies import copy_status


def key_of(channel: str, address: str) -> str:
    """The key of an address that someone gave; a refusal says which address."""
    try:
        return normalise(channel, address).key
    except InvalidAddress as error:
        raise InvalidAddress(
            f"{address!r} is not an address for {channel}: {error}"
        ) from error


def after_all(channel: str, key: str) -> datetime:
    """Now, or the latest error if a wrong clock has dated it in the future."""
    errors = AddressError.objects.filter(channel=channel, key=key)
    latest: datetime | None = errors.aggregate(at=Max("at"))["at"]
    now = timezone.now()
    return max(now, latest) if latest else now


def lock_all(rows: list[QuarantineEntry]) -> list[QuarantineEntry]:
    QuarantineEntry.objects.bulk_create(rows, ignore_conflicts=True)
    locked = QuarantineEntry.objects.select_for_update(of=("self",)).order_by("pk")
    return list(locked.filter(about(rows)))


def recompute_all(entries: list[QuarantineEntry]) -> None:
    keys: dict[tuple[str, str], list[str]] = defaultdict(list)
    evidence = gather(entries)
    for entry in entries:
        state = fold(*evidence[entry.channel, entry.key])
        for name, value in state.fields().items():
            setattr(entry, name, value)
        keys[entry.channel, state.status].append(entry.key)
    sql.bulk_update(QuarantineEntry, STORED, entries)
    for (channel, status), changed in keys.items():
        copy_status(channel, changed, status)


def entry_of(channel: str, key: str) -> QuarantineEntry | None:
    return QuarantineEntry.objects.filter(channel=channel, key=key).first()


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


def recompute(entry: QuarantineEntry) -> None:
    row = {"channel": entry.channel, "key": entry.key}
    state = fold(
        AddressError.objects.filter(**row).select_related("message"),
        [*QuarantineAction.objects.filter(**row), *successes([entry])],
    )
    _store(entry, state)
    copy_status(entry.channel, [entry.key], state.status)


def _store(entry: QuarantineEntry, state: EntryState) -> None:
    for name, value in state.fields().items():
        setattr(entry, name, value)
    entry.save()
