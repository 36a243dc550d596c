"""How a service has grown: how many are subscribed, and how that came about (S5).

All of it is read from the history, whatever the source. A step counts by the one before
it: a request that is withdrawn was never a subscription.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Trunc
from django.utils import timezone

from audiences.consent import Kind
from audiences.models import ConsentEvent, Service, Subscription
from audiences.moments import midnight

# The kinds of period in a report, and how many of them it shows.
PERIODS = {"day": 30, "week": 26, "month": 24}
_STARTS = (Kind.SUBSCRIBE, Kind.CONFIRM)
Step = tuple[datetime, str, str | None, str, int]
_ENDS = {Kind.UNSUBSCRIBE: "unsubscribed", Kind.EXPIRE: "expired"}


@dataclass
class Steps:
    """How many steps of each kind."""

    requested: int = 0
    subscribed: int = 0
    unsubscribed: int = 0
    expired: int = 0
    unconfirmed: int = 0

    @property
    def net(self) -> int:
        return self.subscribed - self.unsubscribed - self.expired

    def count(self, kind: str, before: str | None, number: int) -> None:
        name = _meaning(kind, before)
        if name:
            setattr(self, name, getattr(self, name) + number)


def _meaning(kind: str, before: str | None) -> str:
    """What a step counts as after the one before it; a renewal counts as nothing."""
    if kind == Kind.REQUEST:
        return "requested"
    if kind in _STARTS:
        return "" if before in _STARTS else "subscribed"
    if before == Kind.REQUEST:
        return "unconfirmed"
    return _ENDS[Kind(kind)]


@dataclass(kw_only=True)
class Period(Steps):
    """One day, week or month; `active` is at its end, unless for a single source."""

    start: datetime
    active: int | None = None


@dataclass(kw_only=True)
class BySource(Steps):
    source: str


@dataclass
class ServiceReport:
    """The periods, oldest first, and the same steps by source."""

    periods: list[Period]
    sources: list[BySource]
    statuses: dict[str, int]

    @property
    def is_empty(self) -> bool:
        return not self.sources


def report(
    service: Service, *, by: str = "day", source: str = "", now: datetime | None = None
) -> ServiceReport:
    """The evolution of a service, in a fixed number of queries."""
    now = now or timezone.now()
    statuses = counts([service.pk], now)[service.pk]
    return of_steps(steps(service, by, now), statuses, by=by, source=source, now=now)


def of_steps(
    found: Iterable[Step],
    statuses: Counter[str],
    *,
    by: str,
    source: str,
    now: datetime,
) -> ServiceReport:
    """The evolution, from the steps that were counted at that time."""
    starts = _starts(by, now)
    periods = {start: Period(start=start) for start in starts}
    sources: dict[str, BySource] = {}
    for start, kind, before, origin, number in found:
        sources.setdefault(origin, BySource(source=origin)).count(kind, before, number)
        if start in periods and source in ("", origin):
            periods[start].count(kind, before, number)
    if not source:
        _run_back(list(periods.values()), statuses.get("active", 0))
    ordered = sorted(sources.values(), key=lambda row: -row.subscribed)
    return ServiceReport(list(periods.values()), ordered, statuses)


def _run_back(periods: list[Period], active: int) -> None:
    for period in reversed(periods):
        period.active = active
        active -= period.net


def _starts(by: str, now: datetime) -> list[datetime]:
    """The beginnings of the periods, the present one last."""
    start = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    if by == "week":
        start -= timedelta(days=start.weekday())
    if by == "month":
        start = start.replace(day=1)
    found = [start]
    while len(found) < PERIODS[by]:
        before = found[-1] - timedelta(days=7 if by == "week" else 1)
        found.append(before.replace(day=1) if by == "month" else before)
    # Midnight, even if the clocks changed in between.
    return [midnight(each.date()) for each in reversed(found)]


def steps(service: Service, by: str, now: datetime) -> Iterable[Step]:
    """Period, kind, kind of the step before, source; and how many such steps."""
    earlier = (
        ConsentEvent.objects.filter(
            profile_id=OuterRef("profile_id"),
            channel="",
            service_id=OuterRef("service_id"),
            id__lt=OuterRef("id"),
        )
        .order_by("-id")
        .values("kind")[:1]
    )
    events: QuerySet[ConsentEvent] = ConsentEvent.objects.filter(
        service=service, at__gte=_starts(by, now)[0]
    )
    return (
        events.annotate(before=Subquery(earlier), start=Trunc("at", by))
        .order_by()
        .values("start", "kind", "before", "source")
        .annotate(number=Count("id"))
        .values_list("start", "kind", "before", "source", "number")
    )


def counts(service_ids: Iterable[int], now: datetime) -> dict[int, Counter[str]]:
    """How many subscriptions of each status services have, in two queries.

    One past its date is expired, whether that is recorded yet or not.
    """
    found: dict[int, Counter[str]] = {pk: Counter() for pk in service_ids}
    running = [Subscription.Status.ACTIVE, Subscription.Status.PENDING]
    lapsed = Subscription.objects.filter(status__in=running, expires_at__lte=now)
    rows = Subscription.objects.filter(service__in=found).order_by()
    for pk, status, number in rows.values_list("service_id", "status").annotate(
        number=Count("id")
    ):
        found[pk][status] = number
    late = lapsed.filter(service__in=found).order_by()
    for pk, status, number in late.values_list("service_id", "status").annotate(
        number=Count("id")
    ):
        found[pk][status] -= number
        found[pk]["expired"] += number
    return found
