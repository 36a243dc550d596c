"""The exclusion log and the target of a delivery, to read (D4)."""

from django.db.models import QuerySet

from delivery.analysis.reports import WARNINGS
from delivery.models import Delivery, Outcome, OutcomeWarning


def decided(delivery: Delivery, *, excluded: bool) -> QuerySet[Outcome]:
    """The exclusion log, or the target, in the order of the profiles."""
    return Outcome.objects.filter(
        delivery=delivery, rule__isnull=not excluded
    ).order_by("profile_id")


def warned(delivery: Delivery, code: str) -> QuerySet[Outcome]:
    """The outcomes of the profiles to deliver that a warning of a report is about.

    Raises KeyError for an unknown code.
    """
    WARNINGS[code]
    return decided(delivery, excluded=False).filter(
        profile_id__in=OutcomeWarning.objects.filter(
            delivery=delivery, code=code
        ).values("profile_id")
    )
