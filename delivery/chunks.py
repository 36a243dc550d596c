"""The chunks of an analysis: planned once, judged by whoever takes them.

A chunk is a range of the audience's ids. It is judged by one INSERT … SELECT in a
transaction that holds the chunk's row and marks it: so any number of connections,
processes and machines can work on one run, nothing is judged twice, and what was
killed half-way is judged again.
"""

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Min, Model, Value

from audiences import bulk_sql, membership
from audiences.models import Address, Audience, ConsentEvent, Profile

from . import judgement, typologies
from .exclusions import Rule
from .models import (
    AddressError,
    Analysis,
    AnalysisChunk,
    Outcome,
    QuarantineAction,
    TypologyRule,
)


def plan(run: Analysis) -> None:
    """Cut the audience into chunks."""
    audience = run.delivery.audience
    if audience.kind == Audience.Kind.EVERYONE:
        ranges = _ranges_of_ids()
    else:
        ranges = _ranges_of_members(run)
    AnalysisChunk.objects.bulk_create(
        AnalysisChunk(analysis=run, low=low, high=high, size=size)
        for low, high, size in ranges
    )


def _ranges_of_ids() -> list[tuple[int, int, int]]:
    """Everyone: equal ranges of ids, without looking at the rows between."""
    size = settings.ANALYSIS_CHUNK_SIZE
    ends = Profile.objects.aggregate(low=Min("pk"), high=Max("pk"))
    if ends["low"] is None:
        return []
    return [
        (low, min(low + size - 1, ends["high"]), min(size, ends["high"] - low + 1))
        for low in range(ends["low"], ends["high"] + 1, size)
    ]


def _ranges_of_members(run: Analysis) -> list[tuple[int, int, int]]:
    """The audience's own ids, so many at a time, however far apart they are."""
    size = settings.ANALYSIS_CHUNK_SIZE
    members = membership.ids(run.delivery.audience, run.at)
    ranges: list[tuple[int, int, int]] = []
    after = 0
    while True:
        rest = members.filter(profile_id__gt=after).order_by("profile_id")
        rest = rest.values_list("profile_id", flat=True)
        low = rest.first()
        if low is None:
            return ranges
        high = rest[size - 1 : size].first()
        if high is None:
            ends = rest.aggregate(high=Max("profile_id"))
            return [*ranges, (low, ends["high"], rest.count())]
        ranges.append((low, high, size))
        after = high


def judge_next(run: Analysis) -> bool:
    """Judge one chunk that nobody else has; returns whether there was one to take.

    Takes none when the run has been stopped or replaced.
    """
    with transaction.atomic():
        chunk = (
            AnalysisChunk.objects.filter(
                analysis=run,
                is_judged=False,
                analysis__state=Analysis.State.RUNNING,
                analysis__stop_requested=False,
            )
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("low")
            .first()
        )
        if chunk is None:
            return False
        count = _judge(run, chunk)
        AnalysisChunk.objects.filter(pk=chunk.pk).update(is_judged=True, size=count)
    return True


def _judge(run: Analysis, chunk: AnalysisChunk) -> int:
    delivery = run.delivery
    situation = replace(
        judgement.situation_of(delivery, run.at), reach=(chunk.low, chunk.high)
    )
    profiles = judgement.audience_profiles(delivery, run.at, situation.reach)
    judged = judgement.prepared(profiles, situation).values_list(
        Value(delivery.pk),
        F("pk"),
        F("main_address__value"),
        judgement.cause(situation, rules_of(run), typologies.rule_ids()),
    )
    columns = ["delivery_id", "profile_id", "address", "rule_id"]
    return bulk_sql.insert_select(Outcome, columns, judged)


# What of an operator's rule decides, and so is kept with the run.
_DECIDING = (
    "code",
    "label",
    "kind",
    "condition",
    "maximum",
    "uses_profile_limit",
    "period_days",
    "channel",
)


def definition_of(run: Analysis) -> dict[str, Any]:
    """What the delivery and its rules are: a run that began otherwise starts anew."""
    delivery = run.delivery
    date = delivery.contact_date
    return {
        "channel": delivery.channel,
        "purpose": delivery.purpose,
        "service": delivery.service_id,
        "audience": delivery.audience_id,
        "condition": delivery.audience.condition,
        "contact_date": date.isoformat() if date else None,
        "world": watermarks(),
        "rules": [
            {name: getattr(row, name) for name in _DECIDING}
            for row in typologies.judging_rows(delivery)
        ],
    }


def watermarks() -> dict[str, int]:
    """How far the tables are that decide who is excluded.

    Somebody who opted out after a run was broken off must not be found in its old
    judgements: such a run begins anew.
    """
    models: list[type[Model]] = [
        Profile,
        Address,
        ConsentEvent,
        AddressError,
        QuarantineAction,
    ]
    return {
        model.__name__: model._default_manager.aggregate(last=Max("pk"))["last"] or 0
        for model in models
    }


def rules_of(run: Analysis) -> list[Rule]:
    """The rules with which the run began, whatever operators have changed since."""
    rows = [TypologyRule(**values) for values in run.definition["rules"]]
    return typologies.in_order(rows)
