"""The analysis of a delivery: who gets it, who is excluded, and why (D1 to D8).

Control rules look at the message; an error stops here. Then the audience is judged in
chunks: it shows progress, can be stopped, goes on where it was also
after the process was killed, and any number of connections and machines can help. Last,
in one transaction, profiles that lose a shared address are excluded, the causes are
counted, the warnings written, and the delivery is ready.
"""

import os
import socket
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audiences import changes
from audiences.changes import Seen
from audiences.sql import statements
from delivery import rules
from delivery.analysis import chunks, definitions
from delivery.analysis.reports import Report, report_of
from delivery.analysis.run_locks import SECONDS_TO_WAIT, AnalysisRefused, lost, only_one
from delivery.analysis.working import Progress, Work
from delivery.models import Analysis, AnalysisChunk, Delivery, Outcome, OutcomeWarning
from delivery.rules import Judge, controls
from delivery.rules.judgement import moment_of

# What was judged longer ago than this is not gone on with.
LONGEST_PAUSE = timedelta(days=1)


def analyse(
    delivery: Delivery,
    *,
    connections: int = 1,
    wait_seconds: float = SECONDS_TO_WAIT,
    on_begin: Callable[[Analysis], None] = lambda run: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Run the analysis to its end, or until it is stopped after the present chunk.

    It stops when `should_stop` or `request_stop` says so. A run that was stopped or
    killed goes on where it was, unless the delivery or its rules have changed since or
    a day has passed; otherwise the results of the last run are replaced. People whose
    consent or address changed meanwhile are judged again before it ends. `connections`
    work at once (SQLite has one writer); `on_begin` may ask other machines to help.
    Raises AnalysisRefused when another process still analyses the delivery after
    `wait_seconds`, when its messages have been handed over, when the connection to the
    database is lost, or the database refuses a statement (a full disk).
    """
    started = time.monotonic()
    with only_one(delivery, wait_seconds):
        _refuse_what_stands(delivery)
        run, judge = _begin_or_resume(delivery)
        session, before = connection.connection, run.seconds
        try:
            if run.state == Analysis.State.RUNNING:
                on_begin(run)
                work = Work(run, judge, on_progress, should_stop)
                work.to_its_end(connections)
        except Exception as error:
            refusal = _broken_off(run, error, is_lost=lost(session))
            if refusal:
                raise refusal from error
            raise
        finally:
            if not lost(session):
                _close(run, before + time.monotonic() - started)
    return report_of(run)


def _refuse_what_stands(delivery: Delivery) -> None:
    if delivery.outcomes_stand:
        raise AnalysisRefused(
            f"Messages of {delivery.label!r} were handed over, or are scheduled: its "
            "outcomes stand. Create a new delivery."
        )


def _broken_off(
    run: Analysis, error: Exception, *, is_lost: bool
) -> AnalysisRefused | None:
    """What a run that broke off is; the refusal, where the database is the reason."""
    if is_lost:
        # Our lock is lost with it: as after kill -9, nothing is written.
        reason = str(error).partition("\n")[0]
        return AnalysisRefused(
            f"The connection to the database was lost ({reason}). What was judged "
            "stands: analyse the delivery again to go on."
        )
    run.state, run.error = Analysis.State.FAILED, f"{error}".strip()
    if not isinstance(error, DatabaseError):
        return None
    return AnalysisRefused(
        f"The database refused a statement ({run.error}). What was judged stands: "
        "analyse the delivery again to go on."
    )


def _close(run: Analysis, seconds: float) -> None:
    run.seconds = seconds
    if run.state != Analysis.State.RUNNING:
        run.finished_at = timezone.now()
    fields = ("state", "error", "seconds", "finished_at")
    Analysis.objects.filter(pk=run.pk).update(**{f: getattr(run, f) for f in fields})


def _begin_or_resume(delivery: Delivery) -> tuple[Analysis, Judge]:
    run = delivery.latest_analysis
    unfinished = (Analysis.State.RUNNING, Analysis.State.STOPPED, Analysis.State.FAILED)
    if run and run.state in unfinished and run.chunks.exists():
        run.delivery = delivery
        is_fresh = timezone.now() - run.started_at < LONGEST_PAUSE
        if is_fresh and _is_of_this_clock(run) and not definitions.is_stale(run):
            run.state, run.error, run.stop_requested = Analysis.State.RUNNING, "", False
            run.host, run.process = socket.gethostname(), os.getpid()
            run.save()
            return run, definitions.judge_of(run)
    return _begin(delivery)


def _is_of_this_clock(run: Analysis) -> bool:
    """Whether the moment of its beginning lies before now.

    Not of one that came with a backup from another server, whose clock was ahead.
    """
    return bool(run.seen) and Seen.of(run.seen).high <= changes.now().high


def _begin(delivery: Delivery) -> tuple[Analysis, Judge]:
    """A new run in place of the last one's results."""
    changes.forget_departures()
    statements.analyze_when_stale(Outcome)
    rows = rules.rows_of(delivery.typology)
    findings = controls.inspect(delivery, rows)
    run = Analysis(
        delivery=delivery,
        at=moment_of(delivery),
        seen=str(changes.now()),
        definition=definitions.definition_of(delivery, rows),
        findings=findings,
        error=controls.error_of(findings),
        host=socket.gethostname(),
        process=os.getpid(),
    )
    judge = definitions.judge_of(run)
    with transaction.atomic():
        # Whoever begins to send it holds the row too.
        _refuse_what_stands(
            Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
        )
        # The chunks go first: who judges one holds its row, and is waited for.
        AnalysisChunk.objects.filter(analysis__delivery=delivery).delete()
        Outcome.objects.filter(delivery=delivery).delete()
        OutcomeWarning.objects.filter(delivery=delivery).delete()
        if run.error:
            run.state = Analysis.State.FAILED
        run.save()
        if not run.error:
            chunks.plan(run, judge)
    return run, judge
