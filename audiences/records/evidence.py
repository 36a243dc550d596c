"""Whether each event still has the evidence that it was recorded with."""

from collections.abc import Iterator

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from audiences.conditions import Span
from audiences.consent import Kind
from audiences.ledger import removals
from audiences.models import ConsentEvent, Profile


def evidence_differences(span: Span) -> Iterator[str]:
    """Events that lack their evidence without an erasure, and evidence put there later.

    Erased are people, requests that nobody confirmed until they expired, and what a
    rule of retention ended. A fixed number of statements for the profiles of a span.
    """
    known = Exists(Profile.objects.filter(pk=OuterRef("profile_id")))
    lacking = _lacking(span).filter(known).values_list("pk", "profile_id")
    for pk, profile_id in lacking.order_by("pk"):
        yield (
            f"profile {profile_id}: event {pk} was recorded with evidence, "
            "which is gone without an erasure"
        )
    within = ConsentEvent.objects.filter(span.q("profile_id"))
    added = within.filter(has_evidence=False, evidence__isnull=False)
    for pk, profile_id in added.order_by("pk").values_list("pk", "profile_id"):
        yield (
            f"profile {profile_id}: event {pk} was recorded without evidence, "
            "and somebody has added some"
        )


def _lacking(span: Span) -> QuerySet[ConsentEvent]:
    after = ConsentEvent.objects.filter(
        profile_id=OuterRef("profile_id"),
        channel="",
        service_id=OuterRef("service_id"),
        pk__gt=OuterRef("pk"),
    ).exclude(kind=Kind.REQUEST)
    next_kind = Subquery(after.order_by("pk").values("kind")[:1])
    lapsed = Q(kind=Kind.REQUEST, next_kind=Kind.EXPIRE)
    rows = ConsentEvent.objects.filter(
        span.q("profile_id"), has_evidence=True, evidence__isnull=True
    )
    removed = Exists(removals.covering())
    return rows.alias(next_kind=next_kind).exclude(lapsed).exclude(removed)
