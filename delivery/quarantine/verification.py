"""Proof that quarantine entries and their copies follow from the evidence."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from audiences.models import Address, AddressStatus, ConsentEvent, Profile
from audiences.sql.retries import retried
from delivery.models import AddressError, Outcome, QuarantineAction, QuarantineEntry
from delivery.models.quarantine import ErrorType
from delivery.quarantine.entries import batches, gather, lock_entries, recompute
from delivery.quarantine.status import EntryState, aged, fold, rank
from delivery.quarantine.status_copies import different_from_entries, refresh

from .names import BATCH, Name

# The rules that read the quarantine.
_BY_QUARANTINE = ("address_denylisted", "address_quarantined")


@dataclass(frozen=True)
class Difference:
    """Something that does not say what it should, and whether it was mended."""

    text: str
    is_mended: bool = False

    def __str__(self) -> str:
        return f"{self.text}{' (mended)' if self.is_mended else ''}"


def verify_quarantine(*, mend: bool = False) -> Iterator[Difference]:
    """Entries that differ from their evidence, and copies that differ from entries.

    With `mend` each is put right as it is found. Copies take the status of their entry,
    whatever it is; an entry is computed anew where that does not release its address:
    evidence that is missing must not let anybody be written to.
    """
    yield from _verify_entries(mend=mend)
    yield from _verify_missing_entries(mend=mend)
    yield from _verify_copies(mend=mend)
    yield from _lost_tables()


def _lost_tables() -> Iterator[Difference]:
    """What nothing can be compared with, because a restore has lost all of it.

    Somebody's address, and evidence, may go with the person. So an empty table says
    something only where there are people, and nobody was ever erased.
    """
    if not Address.objects.exists() and Profile.objects.exists():
        yield Difference(
            "there are people and not one address: nothing could be compared. See "
            "whether the restore was complete"
        )
    decided = Outcome.objects.filter(rule__code__in=_BY_QUARANTINE)
    is_bare = not (AddressError.objects.exists() or QuarantineAction.objects.exists())
    was_erased = ConsentEvent.objects.filter(kind=ConsentEvent.Kind.ERASE)
    if is_bare and decided.exists() and not was_erased.exists():
        yield Difference(
            "analyses have excluded quarantined addresses, but there is no evidence of "
            "any: it was lost. See whether the restore was complete"
        )


# ------------------------------------------------------------------ entries
def _verify_entries(*, mend: bool) -> Iterator[Difference]:
    for batch in batches(QuarantineEntry.objects.all()):
        evidence = gather(batch)
        for entry in batch:
            name = (entry.channel, entry.key)
            if told := _difference(entry, fold(*evidence[name])):
                text = (
                    f"{entry.channel} {entry.key}: the entry is not what the evidence "
                    f"gives: {told}"
                )
                yield Difference(text, is_mended=mend and _compute_anew(name))


def _difference(entry: QuarantineEntry, state: EntryState) -> str:
    """What an entry says instead; nothing when it is as it was, or has aged since."""
    stored: dict[str, Any] = {name: getattr(entry, name) for name in state.fields()}
    if stored in (state.fields(), aged(state, timezone.now()).fields()):
        return ""
    return "; ".join(
        f"{name}: {stored[name]!s} instead of {value!s}"
        for name, value in state.fields().items()
        if stored[name] != value
    )


def _verify_missing_entries(*, mend: bool) -> Iterator[Difference]:
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
        for name, evidence in gather(missing).items():
            if fold(*evidence).status != AddressStatus.VALID:
                text = f"{' '.join(name)}: there is evidence but no entry"
                yield Difference(text, is_mended=mend and _compute_anew(name))


@retried
def _compute_anew(name: Name) -> bool:
    """Whether the entry now follows from its evidence; one that would release stays."""
    entry = lock_entries([name])[name]
    state = fold(*gather([entry])[name])
    if rank(state.status) < rank(entry.status):
        return False
    recompute(entry)
    return True


# ------------------------------------------------------------------ copies
def _verify_copies(*, mend: bool) -> Iterator[Difference]:
    for batch in different_from_entries():
        texts = [
            f"profile {address.profile_id}: the copy of {address.channel} "
            f"{address.key} says {address.quarantine_status}, the entry does not"
            for address in batch
        ]
        if mend:
            refresh(Address.objects.filter(pk__in=[address.pk for address in batch]))
        yield from (Difference(text, is_mended=mend) for text in texts)
