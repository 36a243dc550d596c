"""Who has changed since a moment, so that a judgement of then may be wrong now.

What can change a judgement: flags and subscriptions (each change is a consent event),
wishes, addresses with the copies of their quarantine, subscriptions whose date passes,
and, where a rule looks at fatigue, messages and other deliveries that have become
ready.
Facts that only conditions read (a language, a country) count as they were when somebody
was judged.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from audiences import conditions, sql
from audiences.changes import Seen
from audiences.models import (
    Address,
    ConsentEvent,
    ContactWish,
    Departure,
    StagedProfile,
    Subscription,
)
from audiences.sql.staging import looked_up
from delivery.models import Analysis, Message, Outcome
from delivery.rules import Judge


@dataclass(frozen=True)
class Moment:
    """What a look saw, and what time it was then."""

    seen: Seen
    at: datetime


def stage(judge: Judge, since: Moment, now: Moment, *, looks_at_fatigue: bool) -> int:
    """Stage all profiles that changed between two moments, in the audience or not."""
    is_new = since.seen.until(now.seen)
    rows = [
        ConsentEvent.objects.filter(is_new),
        ContactWish.objects.filter(is_new),
        Address.objects.filter(is_new, channel=judge.situation.channel),
        Departure.objects.filter(is_new),
        Subscription.objects.filter(
            status=Subscription.Status.ACTIVE,
            expires_at__gt=since.at,
            expires_at__lte=now.at,
        ),
        *(_of_fatigue(judge, since, now) if looks_at_fatigue else ()),
    ]
    first, *others = (row.order_by().values_list("profile_id") for row in rows)
    return sql.stage(StagedProfile, ["id"], first.union(*others))


def _of_fatigue(judge: Judge, since: Moment, now: Moment) -> list[QuerySet[Any]]:
    """Who got a message, or stands in the target of another delivery, since."""
    own = judge.situation.delivery_id
    ready = Analysis.objects.filter(
        since.seen.until(now.seen, "ready_in"), state=Analysis.State.READY
    ).exclude(delivery=own)
    ids = list(ready.values_list("delivery_id", flat=True))
    return [
        Message.objects.filter(since.seen.until(now.seen)).exclude(delivery=own),
        Outcome.objects.filter(delivery_id__in=ids, rule__isnull=True),
    ]


def leave_out_unjudged(judge: Judge) -> conditions.Span | None:
    """Forget the staged profiles that the run has not judged; returns their span."""
    judged = Outcome.objects.order_by().filter(
        looked_up("profile_id", StagedProfile.objects.values("id")),
        delivery=judge.situation.delivery_id,
    )
    StagedProfile.objects.exclude(id__in=judged.values("profile_id")).delete()
    return conditions.of_staged()
