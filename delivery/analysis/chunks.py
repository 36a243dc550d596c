"""The chunks of an analysis: planned once, each judged by the one that takes it.

A chunk is a range of the audience's ids. It is judged by one INSERT … SELECT in a
transaction that holds the chunk's row and marks it: so any number of connections,
processes and machines can work on one run, nothing is judged twice, and what was
killed half-way is judged again.
"""

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Min, QuerySet, Value

from audiences import conditions, sql
from audiences.conditions import Span
from audiences.models import Audience, Profile, StagedProfile
from audiences.sql.statements import insert_counted
from delivery.models import Analysis, AnalysisChunk, Outcome
from delivery.rules import Judge

# Members that lie further apart than this, on average, are looked up one by one.
SPARSE = 20
# How many profiles are under the number of a rule; None are those to deliver.
Numbers = dict[int | None, int]


def plan(run: Analysis, judge: Judge) -> None:
    """Cut the audience into chunks."""
    if judge.members.kind == Audience.Kind.EVERYONE:
        ranges = _ranges_of_ids()
    else:
        ranges = _ranges_of_members(judge)
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


def _ranges_of_members(judge: Judge) -> list[tuple[int, int, int]]:
    """The audience's own ids, as many in each range, however far apart they are."""
    size = settings.ANALYSIS_CHUNK_SIZE
    members = judge.members.ids(judge.situation.at)
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


def left_of(run: Analysis) -> QuerySet[AnalysisChunk]:
    """The chunks that are still to be judged; none of a run that is to stop."""
    return AnalysisChunk.objects.filter(
        analysis=run,
        is_judged=False,
        analysis__state=Analysis.State.RUNNING,
        analysis__stop_requested=False,
    )


def judge_next(run: Analysis, judge: Judge) -> bool:
    """Judge one chunk that nobody else has; returns whether there was one to take.

    Takes none when the run has been stopped or replaced.
    """
    with transaction.atomic():
        chunk = (
            left_of(run)
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("low")
            .first()
        )
        if chunk is None:
            return False
        counts = _judge(judge, chunk)
        AnalysisChunk.objects.filter(pk=chunk.pk).update(
            is_judged=True,
            size=sum(counts.values()),
            # Keys of JSON are texts; "" are those to deliver.
            counts={str(number or ""): count for number, count in counts.items()},
        )
    return True


def _judge(judge: Judge, chunk: AnalysisChunk) -> Numbers:
    judge = judge.given(span=Span(chunk.low, chunk.high))
    if (chunk.high - chunk.low + 1) > SPARSE * chunk.size:
        return _judge_sparse(judge)
    return write_outcomes(judge, judge.audience())


def _judge_sparse(judge: Judge) -> Numbers:
    """Stage the members within the span first, who lie far apart."""
    members = judge.members.ids(judge.situation.at)
    sql.stage(StagedProfile, ["id"], judge.situation.moment.within(members))
    sql.analyze(StagedProfile)
    found = conditions.of_staged()
    if found is None:
        return {}
    people = Profile.objects.order_by().filter(found.q("pk"))
    return write_outcomes(judge.given(span=found), people)


def write_outcomes(judge: Judge, profiles: QuerySet[Profile]) -> Numbers:
    """Judge these members of the audience by all rules but duplicates, and write it.

    One statement; returns how many outcomes each rule has decided.
    """
    judged = judge.named(profiles).values_list(
        Value(judge.situation.delivery_id),
        F("pk"),
        F("main_address__value"),
        judge.cause(),
    )
    columns = ["delivery_id", "profile_id", "address", "rule_id"]
    return insert_counted(Outcome, columns, judged, by="rule_id")
