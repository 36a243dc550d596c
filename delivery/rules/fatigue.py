"""Fatigue: how many messages a profile gets around a moment (D5).

Messages that were handed over count, and so do the targets of other deliveries that are
prepared and have a contact date. The period lies on both sides of the moment: "at most
2 in 7 days" looks at the 7 days before and the 7 days after; a message exactly 7 days
away does not count. Everything is set-based and, per chunk, computed once.
"""

from datetime import timedelta
from typing import Any

from django.db.models import (
    Count,
    Exists,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce

from delivery.models import Analysis, Delivery, Message, Outcome
from delivery.rules.rule import OwnRule, Situation


def fatigued(rule: OwnRule, situation: Situation) -> Q:
    """Profiles that would get more than the rule allows."""
    handed_over = _messages(rule, situation)
    scheduled = _scheduled_deliveries(rule, situation)
    by_maximum = _at_least(rule["maximum"] or 1, handed_over, scheduled, situation)
    if not rule["uses_profile_limit"]:
        return by_maximum
    own = Q(message_limit__isnull=False) & Q(
        message_limit__lte=_count(handed_over) + _count(_targets(scheduled, situation))
    )
    return (Q(message_limit__isnull=True) & by_maximum) | own


def _period(name: str, rule: OwnRule, situation: Situation) -> Q:
    period = timedelta(days=rule["period_days"] or 0)
    return Q(**{f"{name}__gt": situation.at - period}) & Q(
        **{f"{name}__lt": situation.at + period}
    )


def _messages(rule: OwnRule, situation: Situation) -> QuerySet[Message]:
    rows = Message.objects.order_by().filter(_period("sent_at", rule, situation))
    if rule["channel"]:
        rows = rows.filter(channel=rule["channel"])
    rows = situation.moment.within(rows)
    return rows.exclude(delivery_id=situation.delivery_id or 0)


def _scheduled_deliveries(rule: OwnRule, situation: Situation) -> list[int]:
    """Other deliveries that are prepared, have their contact date in the period, and
    have not been handed over."""
    latest = Analysis.objects.filter(delivery=OuterRef("pk")).order_by("-id")
    rows = (
        Delivery.objects.filter(_period("contact_date", rule, situation))
        .exclude(pk=situation.delivery_id or 0)
        .alias(state_now=Subquery(latest.values("state")[:1]))
        .filter(
            ~Exists(Message.objects.filter(delivery=OuterRef("pk"))),
            state_now=Analysis.State.READY,
        )
    )
    if rule["channel"]:
        rows = rows.filter(channel=rule["channel"])
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _targets(scheduled: list[int], situation: Situation) -> QuerySet[Outcome]:
    rows = Outcome.objects.order_by().filter(
        delivery_id__in=scheduled, rule__isnull=True
    )
    return situation.moment.within(rows)


def _at_least(
    number: int,
    handed_over: QuerySet[Message],
    scheduled: list[int],
    situation: Situation,
) -> Q:
    """Profiles with at least a number of messages, handed over or scheduled.

    Said as "n messages, or n - 1 and one scheduled, or …": each part is one grouped
    subquery that the database computes once and hashes, where a count for each profile
    would be looked up row by row.
    """
    targets = _targets(scheduled, situation)
    found = Q(pk__in=_with_count(handed_over, number))
    for planned in range(1, min(number, len(scheduled)) + 1):
        part = Q(pk__in=_with_count(targets, planned))
        if planned < number:
            part &= Q(pk__in=_with_count(handed_over, number - planned))
        found |= part
    return found


def _with_count(rows: QuerySet[Any], number: int) -> QuerySet[Any, Any]:
    counted = rows.values("profile_id").annotate(number=Count("delivery_id"))
    found: QuerySet[Any, Any] = counted.filter(number__gte=number)
    return found.values("profile_id")


def _count(rows: QuerySet[Any]) -> Coalesce:
    """How many of the rows are about the profile at hand."""
    own = (
        rows.filter(profile_id=OuterRef("pk"))
        .values("profile_id")
        .annotate(number=Count("delivery_id"))
        .values("number")
    )
    return Coalesce(Subquery(own, output_field=IntegerField()), 0)
