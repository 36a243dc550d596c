"""The figures of services as their pages show them: now, or as of the last count.

A page counts a small service while the operator waits, so that a change shows at once.
For a larger one it shows the latest background count.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from audiences.background import figures
from audiences.models import ConsentEvent, Service, Subscription
from audiences.subscriptions.reports import PERIODS, ServiceReport

from . import reports

# The most rows that a page counts itself, for all services on it together.
LIVE = 20_000
COUNTS, REPORTS = "services", "service_reports"


@dataclass(frozen=True)
class Counted:
    """Subscriptions by status; None: never counted. `at`: when, unless it was now."""

    statuses: Counter[str] | None
    at: datetime | None = None


@dataclass(frozen=True)
class Reported:
    """The evolution; None: never counted. `at`: when, unless it was now."""

    report: ServiceReport | None
    at: datetime | None = None


@figures.register(COUNTS, is_of_home=False)
def _counts() -> dict[str, Any]:
    """The subscriptions of every service by status."""
    every = Service.objects.values_list("pk", flat=True)
    return {str(pk): c for pk, c in _live(every).items()}


@figures.register(REPORTS, is_of_home=False)
def _reports() -> dict[str, Any]:
    """The steps of services with a long history, in each kind of period.

    From half of what a page counts itself, so that one that has just grown is included.
    """
    now = timezone.now()
    every = Service.objects.in_bulk()
    found = {}
    for pk in sorted(_larger_than(LIVE // 2, _history(), every)):
        found[str(pk)] = {
            "at": now.isoformat(),
            "statuses": reports.counts([pk], now)[pk],
            "steps": {
                by: [
                    (start.isoformat(), *rest)
                    for start, *rest in reports.steps(every[pk], by, now)
                ]
                for by in PERIODS
            },
        }
    return found


def counts(service_ids: Iterable[int]) -> dict[int, Counted]:
    """The subscriptions of some services, in a fixed number of queries."""
    ids = list(service_ids)
    held = Subscription.objects.order_by("profile_id").values("profile_id")
    larger = _larger_than(LIVE // max(len(ids), 1), held, ids)
    found = {
        pk: Counted(statuses)
        for pk, statuses in _live(pk for pk in ids if pk not in larger).items()
    }
    figure = figures.kept(COUNTS) if larger else None
    for pk in larger:
        statuses = figure.data.get(str(pk)) if figure else None
        known = None if statuses is None else Counter(statuses)
        found[pk] = Counted(known, figure.at if figure else None)
    return found


def report(service: Service, *, by: str, source: str) -> Reported:
    """The evolution of a service."""
    if not _larger_than(LIVE, _history(), [service.pk]):
        return Reported(reports.report(service, by=by, source=source))
    figure = figures.kept(REPORTS)
    kept = figure.data.get(str(service.pk)) if figure else None
    if kept is None:
        return Reported(None)
    at = datetime.fromisoformat(kept["at"])
    steps = [(datetime.fromisoformat(row[0]), *row[1:]) for row in kept["steps"][by]]
    statuses = Counter(kept["statuses"])
    made = reports.of_steps(steps, statuses, by=by, source=source, now=at)
    return Reported(made, at)


def _live(service_ids: Iterable[int]) -> dict[int, Counter[str]]:
    return reports.counts(service_ids, timezone.now())


def _history() -> QuerySet[ConsentEvent, Any]:
    return ConsentEvent.objects.order_by("id").values("id")


def _larger_than(
    number: int, rows: QuerySet[Any, Any], service_ids: Iterable[int]
) -> set[int]:
    """The services with more such rows; an index finds the first one beyond."""
    following = rows.filter(service=OuterRef("pk"))[number : number + 1]
    services = Service.objects.filter(pk__in=list(service_ids)).order_by()
    larger = services.annotate(following=Subquery(following))
    return set(larger.exclude(following=None).values_list("pk", flat=True))
