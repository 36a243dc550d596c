"""Evidence that is gone by age: on record, so that it can be told from an alteration.

The record says only up to which moment; every piece of evidence that was recorded
before may be gone, and its digest in the leaf stays.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import OuterRef, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from audiences.models import ConsentEvent, ConsentEvidence, LedgerRemoval

# When an event was written down, as far as that is known.
RECORDED = Coalesce("recorded_at", "at")


def covering() -> QuerySet[LedgerRemoval]:
    """The removals that an event is old enough for, in a subquery about events."""
    recorded = Coalesce(OuterRef("recorded_at"), OuterRef("at"))
    return LedgerRemoval.objects.filter(before__gt=recorded)


def remove_evidence(ids: Sequence[int], before: datetime) -> int:
    """Delete these pieces of evidence, all recorded before a moment; how many it were.

    Part of a transaction: with it goes what says that they went.
    """
    LedgerRemoval.objects.get_or_create(before=before, defaults={"at": timezone.now()})
    return ConsentEvidence.objects.filter(pk__in=ids).delete()[0]


def ended(event_ids: Sequence[int]) -> set[int]:
    """Which of these events may lack their evidence, because it was old."""
    latest = LedgerRemoval.objects.order_by("-before").first()
    if latest is None:
        return set()
    rows = ConsentEvent.objects.filter(pk__in=event_ids).alias(recorded=RECORDED)
    old = rows.filter(recorded__lt=latest.before)
    return set(old.values_list("pk", flat=True))
