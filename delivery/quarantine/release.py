"""Release: of a whole outage, and of addresses erroneous for long enough (Q5, Q6)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from audiences.models import AddressStatus
from audiences.moments import happened, in_calendar
from audiences.sql.retries import retried
from delivery.models import AddressError, QuarantineAction, QuarantineEntry
from delivery.models.quarantine import ErrorType
from delivery.quarantine.status import VALID, fold

from .entries import batches, gather, lock_existing, place
from .status_copies import copy_statuses, mend_copies

Entries = list[QuarantineEntry]

# What a bulk release may touch.
RELEASABLE = (AddressStatus.ERRONEOUS, AddressStatus.QUARANTINE)


@dataclass
class BulkRelease:
    """What a bulk release did or would do: keys released, keys kept and why."""

    released: list[tuple[str, str]] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)


def release_matching(
    text: str,
    start: datetime,
    end: datetime,
    *,
    source: str,
    channel: str | None = None,
    actor: str = "",
    dry_run: bool = False,
) -> BulkRelease:
    """Release the addresses that errors of one outage put into quarantine (Q6).

    These have an error in the period (both ends included) whose text contains `text`,
    ignoring letter case. An address that other errors or an operator would keep in
    quarantine stays there and is reported; the denylist is never touched. The period
    ends now at the latest: what fails after this decision counts. Raises LiesAhead for
    a period that has not begun.
    """
    start, end = happened(start), min(in_calendar(end), timezone.now())
    candidates = _candidates(text, start, end, channel)
    outage = {"text": text, "first_error_at": start, "last_error_at": end}
    by = {"actor": actor, "source": source}

    @retried
    def release(batch: Entries) -> tuple[Entries, Entries]:
        entries = lock_existing(candidates.filter(pk__in=[e.pk for e in batch]))
        discounts = [_discount(entry, **outage, **by) for entry in entries]
        place(discounts)
        released, kept = _with_discounts(entries, discounts)
        if not dry_run:
            QuarantineAction.objects.bulk_create(released.values())
            _make_valid([*released])
        return [*released], kept

    result = BulkRelease()
    for batch in batches(candidates):
        released, kept = release(batch)
        result.released += [(entry.channel, entry.key) for entry in released]
        result.kept += [(entry.channel, entry.key) for entry in kept]
    return result


def _discount(entry: QuarantineEntry, **facts: Any) -> QuarantineAction:
    return QuarantineAction(
        channel=entry.channel,
        key=entry.key,
        kind=QuarantineAction.Kind.DISCOUNT,
        status=AddressStatus.VALID,
        **facts,
    )


def _candidates(
    text: str, start: datetime, end: datetime, channel: str | None
) -> QuerySet[QuarantineEntry]:
    """Entries with such an error in the period that a bulk release may touch."""
    matching = AddressError.objects.exclude(type=ErrorType.IGNORED).filter(
        text__icontains=text, at__gte=in_calendar(start), at__lte=in_calendar(end)
    )
    if channel:
        matching = matching.filter(channel=channel)
    return QuarantineEntry.objects.filter(
        Exists(matching.filter(channel=OuterRef("channel"), key=OuterRef("key"))),
        status__in=RELEASABLE,
    )


def count_matching(
    text: str, start: datetime, end: datetime, channel: str | None, *, most: int
) -> int:
    """How many entries a bulk release would check; counting stops past `most`."""
    candidates = _candidates(text, start, end, channel).order_by()
    return candidates[: most + 1].count()


def _with_discounts(
    entries: Entries, discounts: list[QuarantineAction]
) -> tuple[dict[QuarantineEntry, QuarantineAction], Entries]:
    """Entries that their discounts make valid, with these, and all others."""
    evidence = gather(entries)
    released: dict[QuarantineEntry, QuarantineAction] = {}
    kept: Entries = []
    for entry, discount in zip(entries, discounts, strict=True):
        errors, actions = evidence[entry.channel, entry.key]
        if fold(errors, [*actions, discount]).status == AddressStatus.VALID:
            released[entry] = discount
        else:
            kept.append(entry)
    return released, kept


def clean_up(now: datetime | None = None) -> int:
    """Make erroneous addresses valid when their time is over (Q5); returns how many.

    Mends copies besides, should a process have died before its second look at them.
    """
    now = now or timezone.now()
    due = QuarantineEntry.objects.filter(
        status=AddressStatus.ERRONEOUS, releases_at__lte=now
    )

    @retried
    def release(batch: Entries) -> int:
        entries = lock_existing(due.filter(pk__in=[entry.pk for entry in batch]))
        _make_valid(entries)
        return len(entries)

    released = sum(map(release, batches(due)))
    mend_copies()
    return released


def _make_valid(entries: Entries) -> None:
    QuarantineEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(
        **VALID.fields()
    )
    copy_statuses((entry.channel, entry.key) for entry in entries)
