"""Release: of a whole outage, and of addresses erroneous for long enough (Q5, Q6)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from audiences.models import AddressStatus
from audiences.moments import in_calendar
from delivery.models import AddressError, QuarantineAction, QuarantineEntry
from delivery.models.quarantine import ErrorType
from delivery.quarantine.status import VALID, fold

from .entries import batches, gather
from .status_copies import copy_status

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
    quarantine stays there and is reported; the denylist is never touched.
    """
    candidates = _candidates(text, start, end, channel)

    def discount(entry: QuarantineEntry) -> QuarantineAction:
        return QuarantineAction(
            channel=entry.channel,
            key=entry.key,
            at=timezone.now(),
            kind=QuarantineAction.Kind.DISCOUNT,
            status=AddressStatus.VALID,
            text=text,
            first_error_at=in_calendar(start),
            last_error_at=in_calendar(end),
            actor=actor,
            source=source,
        )

    result = BulkRelease()
    for batch in batches(candidates):
        with transaction.atomic():
            locked = candidates.select_for_update(of=("self",)).order_by("pk")
            entries = list(locked.filter(pk__in=[entry.pk for entry in batch]))
            released, kept = _with_discount(entries, discount)
            result.released += [(entry.channel, entry.key) for entry in released]
            result.kept += [(entry.channel, entry.key) for entry in kept]
            if not dry_run:
                QuarantineAction.objects.bulk_create(map(discount, released))
                _make_valid(released)
    return result


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


def _with_discount(
    entries: list[QuarantineEntry],
    discount: Callable[[QuarantineEntry], QuarantineAction],
) -> tuple[list[QuarantineEntry], list[QuarantineEntry]]:
    """Entries that would be valid without these errors, and those that would not."""
    evidence = gather(entries)
    released: list[QuarantineEntry] = []
    kept: list[QuarantineEntry] = []
    for entry in entries:
        errors, actions = evidence[entry.channel, entry.key]
        state = fold(errors, [*actions, discount(entry)])
        (released if state.status == AddressStatus.VALID else kept).append(entry)
    return released, kept


def clean_up(now: datetime | None = None) -> int:
    """Make erroneous addresses valid when their time is over (Q5); returns how many."""
    now = now or timezone.now()
    released = 0
    due = QuarantineEntry.objects.filter(
        status=AddressStatus.ERRONEOUS, releases_at__lte=now
    )
    for batch in batches(due):
        with transaction.atomic():
            locked = due.select_for_update(of=("self",)).order_by("pk")
            entries = list(locked.filter(pk__in=[entry.pk for entry in batch]))
            _make_valid(entries)
            released += len(entries)
    return released


def _make_valid(entries: list[QuarantineEntry]) -> None:
    QuarantineEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(
        **VALID.fields()
    )
    for channel in {entry.channel for entry in entries}:
        keys = [entry.key for entry in entries if entry.channel == channel]
        copy_status(channel, keys, AddressStatus.VALID)
