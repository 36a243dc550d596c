"""The analysis of a delivery: who gets it, who is excluded, and why (D1 to D8).

Control rules look at the message; an error stops here. Then the audience is judged in
chunks (`delivery.chunks`): it shows progress, can be stopped, goes on where it was also
after the process was killed, and any number of connections and machines can help. Last,
in one transaction, profiles that lose a shared address are excluded, the causes are
counted, the warnings written, and the delivery is ready.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Count, F, QuerySet, Sum, Value
from django.utils import timezone

from audiences.conditions import spans as reach
from audiences.models import StagedProfile
from audiences.refusals import Refused
from audiences.sql import statements as bulk_sql
from delivery.analysis import chunks
from delivery.analysis import meanwhile as changes
from delivery.analysis.reports import SHARES_ADDRESS, Report, report_of
from delivery.models import (
    Analysis,
    AnalysisChunk,
    Delivery,
    Message,
    Outcome,
    OutcomeWarning,
    StagedHolder,
)
from delivery.rules import controls, judgement, typologies
from delivery.rules.native import DUPLICATE

log = logging.getLogger(__name__)
SECONDS_TO_WAIT = 5
# What was judged longer ago than this is not gone on with.
LONGEST_PAUSE = timedelta(days=1)


class AnalysisRefused(Refused):
    """The analysis cannot run now; the message says why."""


class AnalysisBusy(AnalysisRefused):
    """Another process analyses the delivery at this moment."""


@dataclass(frozen=True)
class Progress:
    """How far a run is: profiles judged, and how many the audience had at its start."""

    done: int
    expected: int


def _ignore(progress: Progress) -> None:
    pass


def analyse(
    delivery: Delivery,
    *,
    connections: int = 1,
    wait_seconds: float = SECONDS_TO_WAIT,
    on_begin: Callable[[Analysis], None] = lambda run: None,
    on_progress: Callable[[Progress], None] = _ignore,
    should_stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Run the analysis to its end, or until it is stopped after the present chunk.

    It stops when `should_stop` or `request_stop` says so. A run that was stopped or
    killed goes on where it was, unless the delivery or its rules have changed since or
    a day has passed; otherwise the results of the last run are replaced. Whoever's
    consent or address changed meanwhile is judged again before it ends. `connections`
    work at once (SQLite has one writer); `on_begin` may ask other machines to help.
    Raises AnalysisRefused when another process still analyses the delivery after
    `wait_seconds`, when its messages have been handed over, when the connection to the
    database is lost, or the database refuses a statement (a full disk).
    """
    started = time.monotonic()
    with _only_one(delivery, wait_seconds):
        if Message.objects.filter(delivery=delivery).exists():
            raise AnalysisRefused(
                f"Messages of {delivery.label!r} were handed over: its outcomes stand. "
                "Create a new delivery."
            )
        run = _begin_or_resume(delivery)
        session, before = connection.connection, run.seconds
        try:
            if run.state == Analysis.State.RUNNING:
                on_begin(run)
                _judge_all(run, connections, on_progress, should_stop)
        except Exception as error:
            if _lost(session):
                # Our lock is lost with it: as after kill -9, nothing is written.
                reason = str(error).partition("\n")[0]
                raise AnalysisRefused(
                    f"The connection to the database was lost ({reason}). What was "
                    "judged stands: analyse the delivery again to go on."
                ) from error
            run.state, run.error = Analysis.State.FAILED, f"{error}".strip()
            if isinstance(error, DatabaseError):
                raise AnalysisRefused(
                    f"The database refused a statement ({run.error}). What was judged "
                    "stands: analyse the delivery again to go on."
                ) from error
            raise
        finally:
            if not _lost(session):
                _close(run, before + time.monotonic() - started)
    return report_of(run)


def _lost(session: Any) -> bool:
    """Whether the connection broke; Django may have opened another one since."""
    return connection.connection is not session or not connection.is_usable()


def request_stop(delivery: Delivery) -> bool:
    """Ask a running analysis to stop after its chunks; returns whether one runs.

    One whose process has died has nobody to ask: it is stopped here, or whoever takes
    it up would go on to its end.
    """
    latest = delivery.latest_analysis
    if latest is None or latest.state != Analysis.State.RUNNING:
        return False
    running = Analysis.objects.filter(pk=latest.pk, state=Analysis.State.RUNNING)
    is_asked = bool(running.update(stop_requested=True))
    with suppress(AnalysisBusy), _only_one(delivery, wait_seconds=0):
        running.update(state=Analysis.State.STOPPED, finished_at=timezone.now())
    return is_asked


def is_at_work(delivery: Delivery) -> bool:
    """Whether a process that is alive analyses the delivery."""
    try:
        with _only_one(delivery, wait_seconds=0):
            return False
    except AnalysisBusy:
        return True


def _judge_all(
    run: Analysis,
    connections: int,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> None:
    """Judge chunks until none are left, with helpers on connections of their own."""
    stopping = threading.Event()

    def help_judging() -> None:
        try:
            while not stopping.is_set() and chunks.judge_next(run):
                pass
        except DatabaseError:
            # Its chunk is free again; whatever is really wrong stops the others too.
            log.warning("A connection that helped was lost.", exc_info=True)
        finally:
            connection.close()

    helpers = connections - 1 if bulk_sql.is_postgresql() else 0
    with ThreadPoolExecutor(max(helpers, 1)) as pool:
        others = [pool.submit(help_judging) for _number in range(helpers)]
        try:
            while _work_is_left(run):
                judged = chunks.judge_next(run)
                on_progress(progress_of(run))
                if should_stop():
                    request_stop(run.delivery)
                if not judged:
                    time.sleep(0.02)
        finally:
            stopping.set()
        for other in others:
            other.result()
    if not Analysis.objects.filter(pk=run.pk).exists():
        raise AnalysisRefused(f"{run.delivery.label!r} was deleted meanwhile.")
    if AnalysisChunk.objects.filter(analysis=run, is_judged=False).exists():
        run.state = Analysis.State.STOPPED
    else:
        _finish(run)


def _work_is_left(run: Analysis) -> bool:
    """Chunks to judge, here or elsewhere, and nobody has asked to stop."""
    return AnalysisChunk.objects.filter(
        analysis=run,
        is_judged=False,
        analysis__stop_requested=False,
        analysis__state=Analysis.State.RUNNING,
    ).exists()


def progress_of(run: Analysis) -> Progress:
    rows = AnalysisChunk.objects.filter(analysis=run).order_by()
    sizes = dict(rows.values_list("is_judged").annotate(size=Sum("size")))
    done = sizes.get(True, 0)
    return Progress(done, done + sizes.get(False, 0))


def _close(run: Analysis, seconds: float) -> None:
    run.seconds = seconds
    if run.state != Analysis.State.RUNNING:
        run.finished_at = timezone.now()
    fields = ("state", "error", "seconds", "finished_at")
    Analysis.objects.filter(pk=run.pk).update(**{f: getattr(run, f) for f in fields})


@contextmanager
def _only_one(delivery: Delivery, wait_seconds: float) -> Iterator[None]:
    """Hold the delivery's lock; wait a little, then refuse and name the holder."""
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            with bulk_sql.process_lock(f"analysis-{delivery.pk}"):
                yield
                return
        except bulk_sql.Locked as error:
            if time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            run = delivery.latest_analysis
            who = f"process {run.process} on {run.host}" if run else "another process"
            raise AnalysisBusy(
                f"{delivery.label!r} is being analysed by {who}. Wait until it is done."
            ) from error


def _begin_or_resume(delivery: Delivery) -> Analysis:
    run = delivery.latest_analysis
    unfinished = (Analysis.State.RUNNING, Analysis.State.STOPPED, Analysis.State.FAILED)
    if run and run.state in unfinished and run.chunks.exists():
        run.delivery = delivery
        is_fresh = timezone.now() - run.started_at < LONGEST_PAUSE
        if is_fresh and not chunks.is_stale(run):
            run.state, run.error, run.stop_requested = Analysis.State.RUNNING, "", False
            run.host, run.process = socket.gethostname(), os.getpid()
            run.save()
            return run
    return _begin(delivery)


def _begin(delivery: Delivery) -> Analysis:
    """A new run in place of the last one's results."""
    findings = controls.inspect(delivery, typologies.rows_of(delivery))
    run = Analysis(
        delivery=delivery,
        at=judgement.situation_of(delivery).at,
        marks=changes.marks(),
        definition=chunks.definition_of(delivery),
        findings=[vars(finding) for finding in findings],
        error=controls.error_of(findings),
        host=socket.gethostname(),
        process=os.getpid(),
    )
    with transaction.atomic():
        # The chunks go first: whoever judges one holds its row, and is waited for.
        AnalysisChunk.objects.filter(analysis__delivery=delivery).delete()
        Outcome.objects.filter(delivery=delivery).delete()
        OutcomeWarning.objects.filter(delivery=delivery).delete()
        if run.error:
            run.state = Analysis.State.FAILED
        run.save()
        if not run.error:
            chunks.plan(run)
    return run


def _finish(run: Analysis) -> None:
    """Judge changes and duplicates, count, warn: ready, or nothing of it is written."""
    delivery = chunks.delivery_of(run)
    situation = judgement.situation_of(delivery, run.at)
    targeted = Outcome.objects.filter(delivery=delivery.pk, rule__isnull=True)
    with transaction.atomic():
        _judge_changed(run)
        _stage_holders(run, targeted.values("profile_id"))
        staged = StagedHolder.objects.order_by()
        losers = judgement.losers(staged)
        if DUPLICATE.predicate(replace(situation, losers=losers)) is not None:
            # Staged, since a planner that errs would rank them again for each row.
            bulk_sql.stage(StagedProfile, ["id"], losers)
            bulk_sql.analyze(StagedProfile)
            ids = StagedProfile.objects.values("id")
            targeted.filter(profile_id__in=ids).update(
                rule_id=typologies.rule_ids()[DUPLICATE.code]
            )
            staged.filter(profile_id__in=ids).delete()
        warned = judgement.sharing_with_opted_out(delivery.channel, staged)
        run.counts = _counts(delivery)
        people = warned.values_list(
            Value(delivery.pk), Value(SHARES_ADDRESS), F("profile_id")
        )
        columns = ["delivery_id", "code", "profile_id"]
        count = bulk_sql.insert_select(OutcomeWarning, columns, people)
        run.warnings = {SHARES_ADDRESS: count}
        run.state = Analysis.State.READY
        run.save(update_fields=["counts", "warnings", "state"])


def _judge_changed(run: Analysis) -> None:
    """Judge again whoever's consent or address changed since the run began.

    Who has left the audience since leaves the results.
    """
    now = max(run.at, timezone.now())
    changes.stage_changed(run, now)
    changed = reach.of_staged()
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
        bulk_sql.analyze(Outcome)
        holders = judgement.shared_holders(run.delivery.channel)
        holders = holders.filter(profile_id__in=targeted)
    else:
        holders = judgement.shared_holders(run.delivery.channel, among=targeted)
    columns = ["profile_id", "key"]
    bulk_sql.stage(StagedHolder, columns, holders.values_list(*columns))
    bulk_sql.analyze(StagedHolder)


def _counts(delivery: Delivery) -> dict[str, int]:
    """How many outcomes each rule decided, by code; "" are those to deliver."""
    codes = {number: code for code, number in typologies.rule_ids().items()}
    rows = (
        Outcome.objects.filter(delivery=delivery)
        .order_by()
        .values_list("rule_id")
        .annotate(count=Count("profile_id"))
    )
    return {codes.get(rule_id, ""): count for rule_id, count in rows}
