"""The end of a run: true at the moment it becomes ready.

A run takes minutes, or a night when it is stopped or killed in between. Whoever opts
out, unsubscribes, or whose address changes or fails meanwhile must not stand in its
results as before. So those who changed are judged again, until there are few left. The
last look is taken alone: writers of consent, addresses and messages share a lock
(`audiences.changes`), which the run holds for that moment. What was committed before it
is in the results; what comes later is committed after the run was seen to be ready.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from audiences import changes, feed, sql
from audiences.models import StagedProfile
from audiences.sql.shared_locks import alone
from audiences.sql.staging import looked_up
from audiences.sql.statements import expect_look_ups
from delivery.analysis import changed, chunks, sharing
from delivery.analysis.changed import Moment
from delivery.analysis.reports import SHARES_ADDRESS
from delivery.analysis.run_locks import AnalysisRefused
from delivery.analysis.sharing import Numbers
from delivery.models import Analysis, AnalysisChunk, Outcome
from delivery.rules import Judge
from delivery.rules.own_limits import looks_at_fatigue

log = logging.getLogger(__name__)
# An audience up to this size is looked up profile by profile.
FEW = 20_000
# So many people are judged again while writers wait; more are judged without the lock.
# It doubles each time, so that an import cannot put off the end for ever.
AT_LAST = 1_000
# Between two attempts to be alone: writers must not be kept waiting again and again.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
# Seconds after which the log says what a run waits for.
PATIENT = 30


class TooMany(Exception):
    """More people have changed than writers should wait for."""


@dataclass(frozen=True)
class Tally:
    """What a run has found, up to a moment; `numbers` are its profiles by rule."""

    moment: Moment
    numbers: Numbers
    warned: int


def prepare(run: Analysis, judge: Judge) -> None:
    """Look for shared addresses, where the audience is large; chunks may be judged."""
    if not _is_small(run):
        sharing.stage_all_holders(judge.situation.channel)


def _is_small(run: Analysis) -> bool:
    sizes = AnalysisChunk.objects.filter(analysis=run).values_list("size", flat=True)
    return sum(sizes) <= FEW


def finish(
    run: Analysis,
    judge: Judge,
    *,
    is_prepared: bool,
    is_resumed: bool,
    must_stop: Callable[[], bool],
) -> None:
    """Make a run ready whose chunks are all judged, unless it must stop before.

    It waits as long as a transaction that has written what it looks at is open.
    `must_stop` is asked before each look. A run that is killed here does all of it
    again; `is_resumed` says that this may be so. Raises AnalysisRefused when the
    delivery was deleted.
    """
    if not is_prepared:
        prepare(run, judge)
    tally = _settle_all(run, judge, is_resumed=is_resumed)
    allowed, pause = AT_LAST, SHORTEST_PAUSE
    since = time.monotonic()
    while not must_stop():
        with transaction.atomic():
            tally = _look(judge, tally)
        try:
            began = time.monotonic()
            with alone(changes.LOCK):
                tally = _look(judge, tally, at_most=allowed)
                _become_ready(run, judge, tally)
            log.info("Writers waited %.0f ms.", 1000 * (time.monotonic() - began))
        except TooMany:
            allowed *= 2
        except sql.Locked:
            if time.monotonic() - since > PATIENT:
                log.warning("%s waits for an open transaction to end.", run)
                since = time.monotonic()
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            return
    run.state = Analysis.State.STOPPED


def _settle_all(run: Analysis, judge: Judge, *, is_resumed: bool) -> Tally:
    """Settle who keeps shared addresses, by what the chunks have decided."""
    with transaction.atomic():
        expect_look_ups()
        if is_resumed:
            sharing.forget(judge)
        numbers = _counted(_outcomes(judge)) if is_resumed else _of_chunks(run)
        if _is_small(run):
            targeted = _outcomes(judge).filter(rule__isnull=True)
            sharing.stage_holders_of(judge.situation.channel, targeted)
        sharing.stage_contenders_of_all(judge)
        numbers.update(sharing.settle(judge))
        warned = sharing.warn(judge)
    return Tally(Moment(changes.Seen.of(run.seen), run.at), numbers, warned)


def _look(judge: Judge, tally: Tally, *, at_most: int | None = None) -> Tally:
    """Judge again who has changed since the last look.

    Anyone who has left the audience since leaves the results. Raises TooMany when more
    than `at_most` people have changed.
    """
    now = Moment(changes.now(), max(tally.moment.at, timezone.now()))
    fatigue = looks_at_fatigue(judge.rules)
    count = changed.stage(judge, tally.moment, now, looks_at_fatigue=fatigue)
    tally = replace(tally, moment=now)
    if not count:
        return tally
    if at_most is not None and count > at_most:
        raise TooMany
    if count <= FEW:
        expect_look_ups()
    else:
        sql.analyze(StagedProfile, Outcome)
    numbers, warned = Numbers(tally.numbers), tally.warned
    sharing.stage_keys_of_staged(judge)
    span = changed.leave_out_unjudged(judge)
    if span:
        warned += sharing.forget_warnings_of_staged(judge)
        people = StagedProfile.objects.values("id")
        before = _outcomes(judge).filter(looked_up("profile_id", people))
        numbers.subtract(_counted(before))
        before.delete()
        again = judge.given(at=now.at, span=span)
        numbers.update(chunks.write_outcomes(again, again.audience()))
    sharing.contend_again(judge)
    numbers.update(sharing.settle(judge))
    warned += sharing.warn(judge)
    return Tally(now, numbers, warned)


def _become_ready(run: Analysis, judge: Judge, tally: Tally) -> None:
    codes: dict[int | None, str] = {n: code for code, n in judge.numbers.items()}
    run.state = Analysis.State.READY
    run.seen = str(tally.moment.seen)
    run.counts = {
        codes.get(n, ""): count for n, count in tally.numbers.items() if count
    }
    run.warnings = {SHARES_ADDRESS: tally.warned}
    names = ("state", "seen", "counts", "warnings")
    written = Analysis.objects.filter(pk=run.pk).update(
        ready_in=changes.this_transaction(), **{n: getattr(run, n) for n in names}
    )
    if not written:
        raise AnalysisRefused(f"{run.delivery.label!r} was deleted meanwhile.")
    fact = {"label": run.delivery.label, "to_deliver": run.counts.get("", 0)}
    feed.tell(
        [
            feed.Fact(
                name=feed.Event.PREPARED,
                channel=run.delivery.channel,
                delivery_id=run.delivery_id,
                data=fact,
            )
        ]
    )


def _outcomes(judge: Judge) -> QuerySet[Outcome]:
    return Outcome.objects.order_by().filter(delivery=judge.situation.delivery_id)


def _counted(outcomes: QuerySet[Outcome]) -> Numbers:
    """How many outcomes each rule decided."""
    counted = outcomes.values_list("rule_id").annotate(count=Count("profile_id"))
    return Numbers(dict(counted))


def _of_chunks(run: Analysis) -> Numbers:
    """How many outcomes each rule decided, as the chunks say that wrote them."""
    found = Numbers()
    for counts in AnalysisChunk.objects.filter(analysis=run).values_list(
        "counts", flat=True
    ):
        found.update({int(n) if n else None: count for n, count in counts.items()})
    return found
