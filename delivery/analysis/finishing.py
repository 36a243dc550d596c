"""The end of a run: judge what changed again, exclude losers, count."""

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Count, F, QuerySet, Value
from django.utils import timezone

from audiences import conditions, sql
from audiences.models import StagedProfile
from delivery import rules
from delivery.analysis import chunks
from delivery.analysis.reports import SHARES_ADDRESS
from delivery.models import Analysis, Delivery, Outcome, OutcomeWarning, StagedHolder
from delivery.rules import DUPLICATE, judgement

from . import meanwhile


def finish(run: Analysis) -> None:
    """Judge changes and duplicates, count, warn: ready, or nothing of it is written."""
    delivery = chunks.delivery_of(run)
    situation = rules.situation_of(delivery, run.at)
    targeted = Outcome.objects.filter(delivery=delivery.pk, rule__isnull=True)
    with transaction.atomic():
        _judge_changed(run)
        _stage_holders(run, targeted.values("profile_id"))
        staged = StagedHolder.objects.order_by()
        losers = judgement.losers(staged)
        if DUPLICATE.predicate(replace(situation, losers=losers)) is not None:
            # Staged, since a planner that errs would rank them again for each row.
            sql.stage(StagedProfile, ["id"], losers)
            sql.analyze(StagedProfile)
            ids = StagedProfile.objects.values("id")
            targeted.filter(profile_id__in=ids).update(
                rule_id=rules.rule_ids()[DUPLICATE.code]
            )
            staged.filter(profile_id__in=ids).delete()
        warned = judgement.sharing_with_opted_out(delivery.channel, staged)
        run.counts = _counts(delivery)
        people = warned.values_list(
            Value(delivery.pk), Value(SHARES_ADDRESS), F("profile_id")
        )
        columns = ["delivery_id", "code", "profile_id"]
        count = sql.insert_select(OutcomeWarning, columns, people)
        run.warnings = {SHARES_ADDRESS: count}
        run.state = Analysis.State.READY
        run.save(update_fields=["counts", "warnings", "state"])


def _judge_changed(run: Analysis) -> None:
    """Judge again whoever's consent or address changed since the run began.

    Who has left the audience since leaves the results.
    """
    now = max(run.at, timezone.now())
    meanwhile.stage_changed(run, now)
    changed = conditions.of_staged()
    if changed is None:
        return
    profiles = judgement.audience_profiles(chunks.delivery_of(run), now, changed)
    Outcome.objects.filter(changed.q("profile_id"), delivery=run.delivery_id).delete()
    chunks.write_outcomes(run, profiles, changed, now)


# An audience up to this size is looked up profile by profile.
FEW = 20_000


def _stage_holders(run: Analysis, targeted: QuerySet[Any, Any]) -> None:
    """Look once for those to deliver whose address is shared, and for how many."""
    if run.done > FEW:
        sql.analyze(Outcome)
        holders = judgement.shared_holders(run.delivery.channel)
        holders = holders.filter(profile_id__in=targeted)
    else:
        holders = judgement.shared_holders(run.delivery.channel, among=targeted)
    columns = ["profile_id", "key"]
    sql.stage(StagedHolder, columns, holders.values_list(*columns))
    sql.analyze(StagedHolder)


def _counts(delivery: Delivery) -> dict[str, int]:
    """How many outcomes each rule decided, by code; "" are those to deliver."""
    codes = {number: code for code, number in rules.rule_ids().items()}
    rows = (
        Outcome.objects.filter(delivery=delivery)
        .order_by()
        .values_list("rule_id")
        .annotate(count=Count("profile_id"))
    )
    return {codes.get(rule_id, ""): count for rule_id, count in rows}
