"""Proof that quarantine entries and their copies follow from the evidence."""

from collections.abc import Iterator

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from audiences.models import Address, AddressStatus
from delivery.models import AddressError, QuarantineAction, QuarantineEntry
from delivery.models.quarantine import ErrorType
from delivery.quarantine.entries import BATCH, batches, gather
from delivery.quarantine.status import aged, fold


def verify_quarantine() -> Iterator[str]:
    """Entries that differ from their evidence, and copies that differ from entries."""
    now = timezone.now()
    for batch in batches(QuarantineEntry.objects.all()):
        evidence = gather(batch)
        for entry in batch:
            state = fold(*evidence[entry.channel, entry.key])
            stored = {name: getattr(entry, name) for name in state.fields()}
            if stored not in (state.fields(), aged(state, now).fields()):
                told = "; ".join(
                    f"{name}: {stored[name]!s} instead of {value!s}"
                    for name, value in state.fields().items()
                    if stored[name] != value
                )
                yield (
                    f"{entry.channel} {entry.key}: the entry is not what the evidence "
                    f"gives: {told}"
                )
    yield from _verify_missing_entries()
    yield from _verify_copies()


def _verify_missing_entries() -> Iterator[str]:
    """Errors or actions that imply a status, for addresses without an entry."""
    entries = QuarantineEntry.objects.filter(
        channel=OuterRef("channel"), key=OuterRef("key")
    )
    errors = AddressError.objects.exclude(type=ErrorType.IGNORED)
    lost = (
        errors.filter(~Exists(entries))
        .order_by()
        .values_list("channel", "key")
        .union(
            QuarantineAction.objects.filter(~Exists(entries))
            .order_by()
            .values_list("channel", "key")
        )
    )
    names = list(lost)
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        missing = [QuarantineEntry(channel=c, key=k) for c, k in batch]
        for (channel, key), evidence in gather(missing).items():
            if fold(*evidence).status != AddressStatus.VALID:
                yield f"{channel} {key}: there is evidence but no entry"


def _verify_copies() -> Iterator[str]:
    entries = QuarantineEntry.objects.exclude(status=AddressStatus.VALID).filter(
        channel=OuterRef("channel"), key=OuterRef("key")
    )
    marked = Address.objects.exclude(quarantine_status=AddressStatus.VALID)
    unmarked = Address.objects.filter(
        is_valid=True, quarantine_status=AddressStatus.VALID
    )
    stale = marked.filter(
        Q(is_valid=False)
        | ~Exists(entries.filter(status=OuterRef("quarantine_status")))
    )
    missed = unmarked.filter(Exists(entries))
    for address in stale.union(missed).iterator():
        yield (
            f"profile {address.profile_id}: the copy of {address.channel} "
            f"{address.key} says {address.quarantine_status}, the entry does not"
        )
