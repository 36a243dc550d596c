"""How many people a condition means, and some of them, while it is being built.

The answer comes within a third of a second, however many profiles there are: exact
where that is quick, else PostgreSQL's estimate, else only "many".
"""

import functools
import operator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max, Min, Q, QuerySet
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _, ngettext

from audiences import conditions, sql
from audiences.conditions import Moment
from audiences.models import Audience, Profile
from audiences.sql import time_limits as limits

from .members import Members

SECONDS = 0.12
# What PostgreSQL's planner says is dearer is not tried: it would read a big table.
COST = 10_000
SECONDS_FOR_SAMPLE = 0.08
# Of a dear condition, this many stretches of this many ids are counted instead.
STRETCHES, LENGTH = 20, 500
# Fewer of them say little about all.
TELLING = 30
SAMPLE = 10


@dataclass(frozen=True)
class Count:
    """How many; roughly, unless exact; None: too many to count while one waits."""

    number: int | None
    is_exact: bool


@dataclass(frozen=True)
class Matching:
    """What a condition says in words, how many meet it, and some of them."""

    sentence: str = ""
    count: Count | None = None
    sample: list[Profile] = field(default_factory=list)
    problem: str = ""
    reach: list[tuple[str, str]] = field(default_factory=list)

    @property
    def number(self) -> str:
        """How many, in words."""
        return words(self.count) if self.count else ""


def of_tree(tree: Any, *, with_sample: bool) -> Matching:
    """The people that a valid tree means now."""
    now = timezone.now()
    found = Profile.objects.order_by().filter(conditions.to_q(tree, Moment(now)))
    return Matching(
        conditions.sentence(tree),
        count_within(found),
        _some(found) if with_sample else [],
    )


def of_audience(audience: Audience) -> Count:
    """How many profiles an audience has now."""
    return count_within(Members.of(audience).ids(timezone.now()))


def count_within(rows: QuerySet[Any, Any]) -> Count:
    """Count what is cheap to count, within SECONDS; else estimate.

    What only few meet is counted too, if there is time: "about" none helps nobody.
    """
    plan = limits.expected(rows)
    is_dear = plan is not None and plan.cost > COST
    try:
        with sql.time_limit(SECONDS):
            if is_dear and (number := _by_sample(rows)):
                return Count(number, is_exact=False)
            return Count(rows.count(), is_exact=True)
    except sql.TooSlow:
        pass
    return Count(plan.rows if plan else None, is_exact=False)


def _by_sample(rows: QuerySet[Any, Any]) -> int | None:
    """How many profiles there may be, by those in short stretches all over the ids.

    The planner's own guess may be wrong by far: it does not know which belong together.
    None where too few are in the sample to tell, or the rows are not profiles.
    """
    if rows.model is not Profile:
        return None
    some, factor = scaled(rows)
    found = some.count()
    return None if found < TELLING else rounded(found * factor)


def scaled(rows: QuerySet[Any, Any]) -> tuple[QuerySet[Any, Any], float]:
    """Those of the profiles in short stretches all over the ids, and how many times as
    many all are."""
    ends = Profile.objects.aggregate(low=Min("pk"), high=Max("pk"))
    if ends["low"] is None:
        return rows.none(), 1.0
    ids = ends["high"] + 1 - ends["low"]
    step = max(ids // STRETCHES, LENGTH)
    starts = range(ends["low"], ends["high"] + 1, step)
    within = [Q(pk__gte=start, pk__lt=start + LENGTH) for start in starts]
    return rows.filter(functools.reduce(operator.or_, within)), ids / (
        LENGTH * len(starts)
    )


def rounded(number: float) -> int:
    """No more digits than a sample can know."""
    whole = round(number)
    return int(round(whole, min(0, 2 - len(str(whole)))))


def _some(found: QuerySet[Profile]) -> list[Profile]:
    try:
        with sql.time_limit(SECONDS_FOR_SAMPLE):
            return list(found[:SAMPLE])
    except sql.TooSlow:
        return []


def words(count: Count) -> str:
    """The count for an operator."""
    if count.number is None:
        return _("many profiles, too many to count while you wait")
    number = number_format(count.number, use_l10n=True, force_grouping=True)
    if not count.is_exact:
        return _("about {number} profiles").format(number=number)
    return ngettext("{number} profile", "{number} profiles", count.number).format(
        number=number
    )
