"""Fatigue: how many messages a profile gets in a period of calendar days (D5).

"At most 2 in 7 days" means that no 7 days in a row, each from midnight to midnight
where the site is, hold a third message. A delivery looks at the days before its own and
at those after it, and excludes those for whom some such window with its day in it would
hold too many. Messages that were handed over count on their day. The targets of other
deliveries that are prepared count too, each until their own message is recorded or it
is known that they get none.
"""

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from audiences.channels import Channel
from audiences.models import Profile
from delivery.models import Analysis, Dispatch, Message, Outcome, Sending
from delivery.rules.rule import GOOD_FOR, OwnRule, Situation

DAY = timedelta(days=1)
# Whoever has got no message of these gets none.
OVER = (Sending.State.SENT, Sending.State.CANCELLED)
SPARED = (Dispatch.Status.WITHDRAWN, Dispatch.Status.REFUSED)


def fatigued(
    rule: OwnRule, situation: Situation, *, limits: QuerySet[Any] | None = None
) -> Q:
    """Profiles that would get more than the rule allows.

    `limits` are what people have set themselves (`per_month`): nobody else is judged,
    and each by their own number.
    """
    prepared = list(_prepared(rule, situation))
    reached = [
        Q(pk__in=_reached(rule, situation, window, prepared, limits))
        for window in _windows(rule, situation, prepared)
    ]
    return reduce(operator.or_, reached)


# ------------------------------------------------------------------ days
@dataclass(frozen=True)
class Window:
    """Some calendar days in a row, by their ends; the later one is not in it."""

    begin: datetime
    end: datetime

    def q(self, name: str) -> Q:
        return Q(**{f"{name}__gte": self.begin, f"{name}__lt": self.end})

    def __contains__(self, moment: datetime) -> bool:
        return self.begin <= moment < self.end


def day_of(moment: datetime) -> date:
    """The calendar day of a moment where the site is (TIME_ZONE)."""
    return moment.astimezone(timezone.get_default_timezone()).date()


def _midnight(day: date) -> datetime:
    """When a day begins; a change of clocks makes no day longer or shorter by it.

    In UTC: two moments of one zone would be compared by their clocks.
    """
    zone = timezone.get_default_timezone()
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def days(first: date, last: date) -> Window:
    """The window from one day to another, both in it."""
    return Window(_midnight(first), _midnight(last + DAY))


def _windows(
    rule: OwnRule, situation: Situation, prepared: list["Prepared"]
) -> Iterator[Window]:
    """The windows that hold the delivery's day: one ends on it, where nothing follows.

    Those that end on a later day on which there is something. Others hold no more.
    """
    length = timedelta(days=(rule["period_days"] or 1) - 1)
    own = day_of(situation.at)
    following = days(own + DAY, own + length)
    ends = {day_of(p.at) for p in prepared if p.at in following}
    ends |= _days_of_messages(rule, situation, following)
    for last in sorted({own, *ends}):
        yield days(last - length, last)


def _days_of_messages(
    rule: OwnRule, situation: Situation, following: Window
) -> set[date]:
    """The days after the delivery's with messages: somebody recorded a later moment."""
    found: set[date] = set()
    # Named one by one: the index by channel and time has no other way in.
    channels = [rule["channel"]] if rule["channel"] else Channel.values
    rows = Message.objects.order_by("sent_at").filter(channel__in=channels)
    moments = rows.exclude(delivery_id=situation.delivery_id or 0)
    begin = following.begin
    while begin < following.end:
        later = moments.filter(Window(begin, following.end).q("sent_at"))
        first = later.values_list("sent_at", flat=True).first()
        if first is None:
            break
        found.add(day_of(first))
        begin = _midnight(day_of(first) + DAY)
    return found


# ------------------------------------------------------------------ what counts
@dataclass(frozen=True)
class Prepared:
    """Another delivery that is prepared, and the moment for which its targets count."""

    delivery_id: int
    at: datetime
    is_sent_here: bool


def _prepared(rule: OwnRule, situation: Situation) -> Iterator[Prepared]:
    """Other deliveries whose latest analysis is ready, and which are near enough.

    Each counts at the later of now and its contact date, as long as it may go out as it
    is. After that it counts on the last moment at which it might have gone: whoever
    handed it over without telling did so by then, and one that was prepared and
    forgotten stops to count when the period has passed.
    """
    now = min(situation.at, timezone.now())
    reach = timedelta(days=(rule["period_days"] or 1) + 1)
    since = situation.at - reach - GOOD_FOR
    later = Analysis.objects.filter(
        delivery=OuterRef("delivery"), pk__gt=OuterRef("pk")
    )
    rows = (
        Analysis.objects.order_by("delivery_id")
        .filter(~Exists(later), state=Analysis.State.READY)
        .exclude(delivery=situation.delivery_id or 0)
        .filter(
            Q(finished_at__gt=since)
            | Q(finished_at__isnull=True)
            | Q(delivery__contact_date__gt=since)
        )
    )
    if rule["channel"]:
        rows = rows.filter(delivery__channel=rule["channel"])
    facts = rows.values_list(
        "delivery_id",
        "finished_at",
        "delivery__contact_date",
        "delivery__sending__state",
    )
    for pk, finished_at, planned, sending in facts:
        if sending in OVER:
            continue
        ready_at = finished_at or now
        last = max(planned or ready_at, ready_at) + GOOD_FOR
        at = max(planned or now, now) if now < last else last
        if abs(at - situation.at) < reach:
            yield Prepared(pk, at, is_sent_here=sending is not None)


def _reached(
    rule: OwnRule,
    situation: Situation,
    window: Window,
    prepared: list[Prepared],
    limits: QuerySet[Any] | None,
) -> "Reached":
    """Profiles to whom one message more within the window would be one too many."""
    messages = Message.objects.order_by().filter(window.q("sent_at"))
    if rule["channel"]:
        messages = messages.filter(channel=rule["channel"])
    messages = messages.exclude(delivery_id=situation.delivery_id or 0)
    within = [each for each in prepared if each.at in window]
    rows = [messages, *([_targets(situation, within)] if within else [])]
    counted = [situation.moment.within(each) for each in rows]
    number = rule["maximum"] or 1
    limit: QuerySet[Any] | None = None
    if limits is not None:
        within_span = situation.moment.within(limits).values("profile_id")
        counted = [rows.filter(profile_id__in=within_span) for rows in counted]
        limit = limits.filter(profile_id=OuterRef("profile_id")).values("per_month")
    elif rule["uses_profile_limit"]:
        own = Profile.objects.filter(pk=OuterRef("profile_id"))
        limit = own.values("message_limit")
    if limit is not None:
        counted = [rows.annotate(own=Subquery(limit[:1])) for rows in counted]
        return Reached(_together(counted, "profile_id", "own"), number, "own")
    return Reached(_together(counted, "profile_id"), number)


def _targets(
    situation: Situation, within: list[Prepared]
) -> QuerySet[Outcome, Outcome]:
    """The targets of prepared deliveries, but those whose own message says more."""
    own_messages = situation.moment.within(Message.objects.order_by()).filter(
        delivery_id=OuterRef("delivery_id"), profile_id=OuterRef("profile_id")
    )
    ids = [each.delivery_id for each in within]
    targets = Outcome.objects.order_by().filter(
        ~Exists(own_messages), delivery_id__in=ids, rule__isnull=True
    )
    if not any(each.is_sent_here for each in within):
        return targets
    spared = Dispatch.objects.filter(
        delivery_id=OuterRef("delivery_id"),
        profile_id=OuterRef("profile_id"),
        status__in=SPARED,
    )
    return targets.filter(~Exists(spared))


def _together(parts: list[QuerySet[Any, Any]], *columns: str) -> QuerySet[Any, Any]:
    first, *others = (rows.values_list(*columns) for rows in parts)
    return first.union(*others, all=True)


class Reached(Subquery):
    """The profiles that are in so many rows of a queryset; `limit` names the column
    with another number for some.

    The ORM cannot group what it has put together. Grouped once and hashed, where a
    count for each profile would look its rows up one by one.
    """

    def __init__(self, rows: QuerySet[Any, Any], number: int, limit: str = "") -> None:
        least = f"COALESCE(MAX({limit}), {int(number)})" if limit else int(number)
        super().__init__(rows)
        self.template = (
            "(SELECT counted.profile_id FROM (%(subquery)s) counted"
            f" GROUP BY counted.profile_id HAVING COUNT(*) >= {least})"
        )
