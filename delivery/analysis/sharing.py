"""Who of those that share an address gets the delivery, and who is warned about (P4).

This is the only rule that looks across profiles. It is settled after the others: for
all addresses that are shared at first, then for those of people who changed meanwhile.
Both are the same statements, about contenders: the profiles that no other rule
excludes, each with its primary address. Of those with one address the lowest id keeps
it.
"""

from collections import Counter
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value

from audiences import sql
from audiences.models import Address, StagedProfile
from audiences.sql.staging import index_staged, looked_up
from delivery.analysis.reports import SHARES_ADDRESS
from delivery.models import (
    Outcome,
    OutcomeWarning,
    StagedContender,
    StagedHolder,
    StagedKey,
)
from delivery.rules import DUPLICATE, Judge, shared_addresses

# How many profiles are under the number of a rule; None are those to deliver.
Numbers = Counter[int | None]
_HOLDER = ["id", "profile_id", "key", "is_primary"]


def stage_all_holders(channel: str) -> None:
    """Look for all addresses that several profiles have.

    It does not depend on any judgement: it can be done while the chunks are judged.
    """
    with transaction.atomic():
        _stage_holders(
            channel, shared_addresses.shared_keys(channel).values_list("key")
        )


def stage_holders_of(channel: str, targeted: QuerySet[Outcome]) -> None:
    """Look, one by one, for those who have the address of one of a few profiles."""
    among = targeted.values("profile_id")
    shared = shared_addresses.holders_of(channel, among=among)
    _stage_holders(channel, shared.values_list("key").distinct())


def _stage_holders(channel: str, keys: QuerySet[Any, Any]) -> None:
    sql.stage(StagedKey, ["key"], keys)
    rows = _having_staged_keys(channel).values_list(*_HOLDER)
    sql.stage(StagedHolder, _HOLDER, rows, is_kept=True)
    index_staged(StagedHolder, "profile_id")
    sql.analyze(StagedHolder)


def _having_staged_keys(channel: str) -> QuerySet[Address]:
    keys = StagedKey.objects.values("key")
    return _addresses(channel).filter(looked_up("key", keys))


def _addresses(channel: str) -> QuerySet[Address]:
    return Address.objects.order_by().filter(channel=channel, is_valid=True)


def stage_contenders_of_all(judge: Judge) -> None:
    """Let everybody contend whose address is staged as a shared one."""
    holders = StagedHolder.objects.order_by().filter(is_primary=True)
    _stage_contenders(judge, holders)
    sql.analyze(StagedContender)


def stage_keys_of_staged(judge: Judge) -> None:
    """Stage each address that a staged profile has or had, shared or not.

    Who has one of them now is kept for later looks.
    """
    channel = judge.situation.channel
    people = StagedProfile.objects.values("id")
    have = _addresses(channel).filter(looked_up("profile_id", people))
    had = StagedHolder.objects.filter(looked_up("profile_id", people))
    sql.stage(StagedKey, ["key"], have.values_list("key").union(had.values_list("key")))
    now = _having_staged_keys(channel)
    StagedHolder.objects.filter(pk__in=now.values("pk")).delete()
    sql.insert_select(StagedHolder, _HOLDER, now.values_list(*_HOLDER))


def contend_again(judge: Judge) -> None:
    """After the staged profiles were judged anew: who contends for the staged keys."""
    rows = _having_staged_keys(judge.situation.channel)
    _stage_contenders(judge, rows.filter(is_primary=True))


def _stage_contenders(
    judge: Judge, holders: QuerySet[StagedHolder] | QuerySet[Address]
) -> None:
    """Those of the holders that no other rule excludes."""
    contends = Q(rule__isnull=True) | Q(rule_id=judge.numbers[DUPLICATE.code])
    decided = _outcomes(judge).filter(contends, profile_id=OuterRef("profile_id"))
    columns = ["profile_id", "key"]
    # A limit keeps each a look-up: the planner knows little of rows just written.
    one = Subquery(decided.values("profile_id")[:1])
    rows = holders.filter(profile_id=one).values_list(*columns)
    sql.stage(StagedContender, columns, rows)


def _outcomes(judge: Judge) -> QuerySet[Outcome]:
    return Outcome.objects.order_by().filter(delivery=judge.situation.delivery_id)


def _contenders() -> QuerySet[StagedContender]:
    return StagedContender.objects.order_by()


def forget(judge: Judge) -> None:
    """Undo what a run had settled before it was killed: it settles all again."""
    outcomes = _outcomes(judge).filter(rule_id=judge.numbers[DUPLICATE.code])
    outcomes.update(rule=None)
    _warnings(judge).delete()


def settle(judge: Judge) -> Numbers:
    """Exclude the contenders that lose their address, and free those that lost it.

    Returns by how much the number of each rule changes.
    """
    changed = Numbers()
    losers = shared_addresses.losers(_contenders())
    if DUPLICATE.predicate(judge.given(losers=losers).situation) is None:
        losers = losers.none()
    duplicate = judge.numbers[DUPLICATE.code]
    # Staged, since a bad plan would rank them again for each row.
    sql.stage(StagedProfile, ["id"], losers)
    sql.analyze(StagedProfile)
    lost = StagedProfile.objects.values("id")
    kept = _contenders().exclude(profile_id__in=lost).values("profile_id")
    freed = _outcomes(judge).filter(looked_up("profile_id", kept), rule_id=duplicate)
    taken = _outcomes(judge).filter(looked_up("profile_id", lost), rule__isnull=True)
    count = freed.update(rule=None) - taken.update(rule_id=duplicate)
    changed.update({None: count, duplicate: -count})
    return changed


def warn(judge: Judge) -> int:
    """Warn about contenders that keep an address which an opted-out profile has too.

    After `settle`, which has staged the others. Returns by how many there are more.
    """
    contenders = _contenders().values("profile_id")
    about = _warnings(judge).filter(looked_up("profile_id", contenders))
    before = about.delete()[0]
    channel = judge.situation.channel
    excluded = StagedProfile.objects.filter(id=OuterRef("profile_id"))
    keepers = _contenders().filter(~Exists(excluded))
    rows = shared_addresses.sharing_with_opted_out(channel, keepers).values_list(
        Value(judge.situation.delivery_id), Value(SHARES_ADDRESS), F("profile_id")
    )
    columns = ["delivery_id", "code", "profile_id"]
    return sql.insert_select(OutcomeWarning, columns, rows) - before


def forget_warnings_of_staged(judge: Judge) -> int:
    """Take back warnings about staged profiles; returns by how many there are more."""
    people = StagedProfile.objects.values("id")
    return -_warnings(judge).filter(looked_up("profile_id", people)).delete()[0]


def _warnings(judge: Judge) -> QuerySet[OutcomeWarning]:
    return OutcomeWarning.objects.filter(
        delivery=judge.situation.delivery_id, code=SHARES_ADDRESS
    )
