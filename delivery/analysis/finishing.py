"""The end of a run: judge what changed again, exclude losers, count.

A run takes minutes, or a night when it is stopped or killed in between. Anyone who opts
out, whose address fails or who gets another address meanwhile must not stand in its
results as before. Consent, errors, decisions about addresses and new addresses are
rows with rising ids: a run keeps how far each table was when it began.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, Max, Model, OuterRef, QuerySet, Value
from django.utils import timezone

from audiences import conditions, sql
from audiences.models import Address, ConsentEvent, StagedProfile, Subscription
from audiences.sql import statements
from delivery.analysis import chunks
from delivery.analysis.reports import SHARES_ADDRESS, Counts
from delivery.models import (
    AddressError,
    Analysis,
    Outcome,
    OutcomeWarning,
    QuarantineAction,
    StagedHolder,
)
from delivery.rules import DUPLICATE, Judge, shared_addresses

ACTIVE = Subscription.Status.ACTIVE
TABLES: list[type[Model]] = [ConsentEvent, Address, AddressError, QuarantineAction]
# A transaction that is open when the run begins may have drawn lower ids than the last
# one to be seen; then this many rows are looked at once more. (An import writes 5,000
# rows in each transaction.)
SLACK = 20_000


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
    _stage_changed(run, judge.situation.channel, now)
    changed = conditions.of_staged()
    if changed is None:
        return
    judge = judge.given(at=now, span=changed)
    Outcome.objects.filter(changed.q("profile_id"), delivery=run.delivery_id).delete()
    chunks.write_outcomes(judge, judge.audience())


def _stage_changed(run: Analysis, channel: str, now: datetime) -> None:
    """Stage the profiles of the results that changed since the run began.

    Also those with a subscription whose date has passed meanwhile: that writes nothing.
    `conditions.of_staged` then gives their span.
    """

    def since(model: type[Model], **facts: Any) -> QuerySet[Any]:
        last = run.marks.get(model.__name__, 0)
        return model._default_manager.order_by().filter(pk__gt=last, **facts)

    reported = since(AddressError, channel=channel).values("key")
    decided = since(QuarantineAction, channel=channel).values("key")
    of_channel = Address.objects.order_by().filter(channel=channel)
    changed = (
        since(ConsentEvent).values("profile_id"),
        since(Address, channel=channel).values("profile_id"),
        of_channel.filter(key__in=reported).values("profile_id"),
        of_channel.filter(key__in=decided).values("profile_id"),
        Subscription.objects.order_by()
        .filter(status=ACTIVE, expires_at__gt=run.at, expires_at__lte=now)
        .values("profile_id"),
    )
    people = changed[0].union(*changed[1:]).values_list("profile_id")
    if not sql.stage(StagedProfile, ["id"], people):
        return
    sql.analyze(StagedProfile)
    judged = Outcome.objects.filter(delivery=run.delivery_id, profile_id=OuterRef("id"))
    StagedProfile.objects.filter(~Exists(judged)).delete()


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


# An audience up to this size is looked up profile by profile.
FEW = 20_000


def marks() -> dict[str, int]:
    """How far each table is, for `Analysis.marks`."""
    found = {
        model.__name__: model._default_manager.aggregate(last=Max("pk"))["last"] or 0
        for model in TABLES
    }
    # Asked afterwards: who has committed since is seen by every chunk.
    slack = SLACK if statements.are_written(*TABLES) else 0
    return {name: max(last - slack, 0) for name, last in found.items()}
