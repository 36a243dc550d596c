"""The end of a run: judge what changed again, exclude losers, count."""

from typing import Any

from django.db import transaction
from django.db.models import Count, F, QuerySet, Value
from django.utils import timezone

from audiences import conditions, sql
from audiences.models import StagedProfile
from delivery.analysis import changed_meanwhile as meanwhile, chunks
from delivery.analysis.reports import SHARES_ADDRESS, Counts
from delivery.models import Analysis, Outcome, OutcomeWarning, StagedHolder
from delivery.rules import DUPLICATE, Judge, shared_addresses


def finish(run: Analysis, judge: Judge) -> None:
    """Judge changes and duplicates, count, warn: ready, or nothing of it is written."""
    channel = judge.situation.channel
    targeted = Outcome.objects.filter(delivery=run.delivery_id, rule__isnull=True)
    with transaction.atomic():
        _judge_changed(run, judge)
        _stage_holders(channel, targeted.values("profile_id"), are_few=run.done <= FEW)
        staged = StagedHolder.objects.order_by()
        losers = shared_addresses.losers(staged)
        if DUPLICATE.predicate(judge.given(losers=losers).situation) is not None:
            # Staged, since a bad plan would rank them again for each row.
            sql.stage(StagedProfile, ["id"], losers)
            sql.analyze(StagedProfile)
            ids = StagedProfile.objects.values("id")
            targeted.filter(profile_id__in=ids).update(
                rule_id=judge.numbers[DUPLICATE.code]
            )
            staged.filter(profile_id__in=ids).delete()
        warned = shared_addresses.sharing_with_opted_out(channel, staged)
        run.counts = _counts(run, judge)
        people = warned.values_list(
            Value(run.delivery_id), Value(SHARES_ADDRESS), F("profile_id")
        )
        columns = ["delivery_id", "code", "profile_id"]
        count = sql.insert_select(OutcomeWarning, columns, people)
        run.warnings = {SHARES_ADDRESS: count}
        run.state = Analysis.State.READY
        run.save(update_fields=["counts", "warnings", "state"])


def _judge_changed(run: Analysis, judge: Judge) -> None:
    """Judge again everyone whose consent or address changed since the run began.

    Anyone who has left the audience since leaves the results.
    """
    now = max(run.at, timezone.now())
    meanwhile.stage_changed(run, judge.situation.channel, now)
    changed = conditions.of_staged()
    if changed is None:
        return
    judge = judge.given(at=now, span=changed)
    Outcome.objects.filter(changed.q("profile_id"), delivery=run.delivery_id).delete()
    chunks.write_outcomes(judge, judge.audience())


# An audience up to this size is looked up profile by profile.
FEW = 20_000


def _stage_holders(
    channel: str, targeted: QuerySet[Any, Any], *, are_few: bool
) -> None:
    """Look once for those to deliver whose address is shared."""
    if are_few:
        holders = shared_addresses.holders_of(channel, among=targeted)
    else:
        sql.analyze(Outcome)
        holders = shared_addresses.holders_of(channel)
        holders = holders.filter(profile_id__in=targeted)
    columns = ["profile_id", "key"]
    sql.stage(StagedHolder, columns, holders.values_list(*columns))
    sql.analyze(StagedHolder)


def _counts(run: Analysis, judge: Judge) -> Counts:
    """How many outcomes each rule decided, by code; "" are those to deliver."""
    codes = {number: code for code, number in judge.numbers.items()}
    rows = (
        Outcome.objects.filter(delivery=run.delivery_id)
        .order_by()
        .values_list("rule_id")
        .annotate(count=Count("profile_id"))
    )
    return {codes.get(rule_id, ""): count for rule_id, count in rows}
