"""The exclusion log and the target of a delivery, to read and to export (D4)."""

from collections.abc import Iterator
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery

from audiences.models import Profile
from delivery.analysis.reports import WARNINGS
from delivery.models import Delivery, Outcome, OutcomeWarning, TypologyRule

COLUMNS = ["profile", "external_id", "address", "code", "label"]


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


def export_rows(rows: QuerySet[Outcome]) -> Iterator[list[Any]]:
    """The rows of an export, in COLUMNS; memory does not grow with their number."""
    external_id = Profile.objects.filter(pk=OuterRef("profile_id")).values(
        "external_id"
    )
    values = rows.annotate(
        external_id=Subquery(external_id[:1]), code=F("rule__code")
    ).values_list("profile_id", "external_id", "address", "code")
    labels = dict(TypologyRule.objects.values_list("code", "label"))
    for profile_id, external, address, code in values.iterator(chunk_size=5000):
        label = labels.get(code, "")
        yield [profile_id, external or "", address or "", code or "", label]
