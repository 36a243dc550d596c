"""The chunks of an analysis: planned once, judged by whoever takes them.

A chunk is a range of the audience's ids. It is judged by one INSERT … SELECT in a
transaction that holds the chunk's row and marks it: so any number of connections,
processes and machines can work on one run, nothing is judged twice, and what was
killed half-way is judged again.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Min, QuerySet, Value
from django.utils.dateparse import parse_datetime

from audiences import conditions, membership, sql
from audiences.conditions import Span
from audiences.models import Audience, Profile, StagedProfile
from audiences.refusals import Refused
from delivery import rules
from delivery.models import Analysis, AnalysisChunk, Delivery, Outcome, TypologyRule
from delivery.rules import Rule, controls, judgement, typologies

# Members that lie further apart than this, on average, are looked up one by one.
SPARSE = 20


def plan(run: Analysis) -> None:
    """Cut the audience into chunks."""
    audience = delivery_of(run).audience
    if audience.kind == Audience.Kind.EVERYONE:
        ranges = _ranges_of_ids()
    else:
        ranges = _ranges_of_members(audience, run)
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


def _ranges_of_members(audience: Audience, run: Analysis) -> list[tuple[int, int, int]]:
    """The audience's own ids, so many at a time, however far apart they are."""
    size = settings.ANALYSIS_CHUNK_SIZE
    members = membership.ids(audience, run.at)
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
    delivery = delivery_of(run)
    span = Span(chunk.low, chunk.high)
    if (chunk.high - chunk.low + 1) > SPARSE * chunk.size:
        members = membership.ids(delivery.audience, run.at)
        sql.stage(StagedProfile, ["id"], span.within(members))
        sql.analyze(StagedProfile)
        found = conditions.of_staged()
        if found is None:
            return 0
        return write_outcomes(
            run, Profile.objects.order_by().filter(found.q("pk")), found
        )
    profiles = judgement.audience_profiles(delivery, run.at, span)
    return write_outcomes(run, profiles, span)


def write_outcomes(
    run: Analysis,
    profiles: QuerySet[Profile],
    of: Span,
    at: datetime | None = None,
) -> int:
    """Judge these members of the audience by all rules but duplicates, and write it.

    `at` is the moment, that of the run unless given. One statement; returns how many
    outcomes there are.
    """
    delivery = delivery_of(run)
    situation = replace(rules.situation_of(delivery, at or run.at), span=of)
    judged = judgement.prepared(profiles, situation).values_list(
        Value(delivery.pk),
        F("pk"),
        F("main_address__value"),
        judgement.cause(situation, rules_of(run), rules.rule_ids()),
    )
    columns = ["delivery_id", "profile_id", "address", "rule_id"]
    return sql.insert_select(Outcome, columns, judged)


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


def definition_of(delivery: Delivery) -> dict[str, Any]:
    """What the delivery, its audience and its rules are, as plain data.

    A run keeps it and judges by it alone, whatever operators change meanwhile; a run
    that began with another one is not resumed. Audiences that conditions name are put
    in their place.
    """
    date = delivery.contact_date
    return {
        "channel": delivery.channel,
        "purpose": delivery.purpose,
        "service": delivery.service_id,
        "audience": delivery.audience_id,
        "condition": membership.inlined(delivery.audience.condition),
        "contact_date": date.isoformat() if date else None,
        "rules": [
            {name: getattr(row, name) for name in _DECIDING}
            | {"condition": membership.inlined(row.condition)}
            for row in typologies.judging_rows(delivery)
        ],
    }


def is_stale(run: Analysis) -> bool:
    """Whether the delivery, its audience or its rules are others than the run's.

    So is a message in which the control rules find something else: a run says that a
    message may go, which must not outlive a change that takes its unsubscribe link.
    """
    told = [(found["code"], found["text"]) for found in run.findings]
    rows = rules.rows_of(run.delivery)
    found = [(f.code, f.text) for f in controls.inspect(run.delivery, rows)]
    try:
        return bool(told != found or definition_of(run.delivery) != run.definition)
    except Refused:  # an audience that the condition names is gone
        return True


def delivery_of(run: Analysis) -> Delivery:
    """The delivery as it was when the run began; not to be saved."""
    began, now = run.definition, run.delivery
    audience = Audience(
        id=began["audience"],
        name=now.audience.name,
        kind=now.audience.kind,
        service_id=now.audience.service_id,
        condition=began["condition"],
    )
    date = began["contact_date"]
    return Delivery(
        id=now.pk,
        label=now.label,
        channel=began["channel"],
        purpose=began["purpose"],
        service_id=began["service"],
        audience=audience,
        contact_date=parse_datetime(date) if date else None,
    )


def rules_of(run: Analysis) -> list[Rule]:
    """The rules with which the run began."""
    rows = [TypologyRule(**values) for values in run.definition["rules"]]
    return typologies.in_order(rows)
