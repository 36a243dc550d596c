"""The work of one process on a run: chunks on several connections, then the end."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.db import DatabaseError, connection
from django.db.models import Sum
from django.utils import timezone

from audiences import sql
from delivery.analysis import chunks
from delivery.analysis.finishing import finish, prepare
from delivery.analysis.run_locks import AnalysisBusy, AnalysisRefused, only_one
from delivery.models import Analysis, AnalysisChunk, Delivery
from delivery.rules import Judge

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far a run is: profiles judged, and how many the audience had at its start."""

    done: int
    expected: int


def progress_of(run: Analysis) -> Progress:
    rows = AnalysisChunk.objects.filter(analysis=run).order_by()
    sizes = dict(rows.values_list("is_judged").annotate(size=Sum("size")))
    done = sizes.get(True, 0)
    return Progress(done, done + sizes.get(False, 0))


def request_stop(delivery: Delivery) -> bool:
    """Ask a running analysis to stop after its chunks; returns whether one runs.

    One whose process has died has nobody to ask: it is stopped here, or the next to
    take it up would go on to its end.
    """
    latest = delivery.latest_analysis
    if latest is None or latest.state != Analysis.State.RUNNING:
        return False
    running = Analysis.objects.filter(pk=latest.pk, state=Analysis.State.RUNNING)
    is_asked = bool(running.update(stop_requested=True))
    with suppress(AnalysisBusy), only_one(delivery, wait_seconds=0):
        running.update(state=Analysis.State.STOPPED, finished_at=timezone.now())
    return is_asked


@dataclass(frozen=True)
class Work:
    """A run that this process judges and ends, and those who watch it."""

    run: Analysis
    judge: Judge
    on_progress: Callable[[Progress], None]
    should_stop: Callable[[], bool]

    def to_its_end(self, connections: int) -> None:
        """Judge chunks until none are left, and make the run ready, or stop.

        `connections` work at once. While the others judge, this one looks for shared
        addresses, which needs no judgement. Raises AnalysisRefused when the delivery
        was deleted.
        """
        chunks_of_run = AnalysisChunk.objects.filter(analysis=self.run)
        is_resumed = chunks_of_run.filter(is_judged=True).exists()
        helpers = connections - 1 if sql.is_postgresql() else 0
        with self._helped_by(helpers):
            if helpers:
                prepare(self.run, self.judge)
            while chunks.left_of(self.run).exists():
                judged = chunks.judge_next(self.run, self.judge)
                self.on_progress(progress_of(self.run))
                self.must_stop()
                if not judged:
                    time.sleep(0.02)
        if not Analysis.objects.filter(pk=self.run.pk).exists():
            raise AnalysisRefused(f"{self.run.delivery.label!r} was deleted meanwhile.")
        if chunks_of_run.filter(is_judged=False).exists():
            self.run.state = Analysis.State.STOPPED
            return
        finish(
            self.run,
            self.judge,
            is_prepared=helpers > 0,
            is_resumed=is_resumed,
            must_stop=self.must_stop,
        )

    def must_stop(self) -> bool:
        """Whether somebody wants the run to stop, here or anywhere."""
        if self.should_stop():
            request_stop(self.run.delivery)
        asked = Analysis.objects.filter(pk=self.run.pk, stop_requested=True)
        return asked.exists()

    @contextmanager
    def _helped_by(self, count: int) -> Iterator[None]:
        """Let others judge chunks on connections of their own, until this is left."""
        stopping = threading.Event()
        with ThreadPoolExecutor(max(count, 1)) as pool:
            others = [pool.submit(self._help, stopping) for _number in range(count)]
            try:
                yield
            finally:
                stopping.set()
            for other in others:
                other.result()

    def _help(self, stopping: threading.Event) -> None:
        try:
            while not stopping.is_set() and chunks.judge_next(self.run, self.judge):
                pass
        except DatabaseError:
            # Its chunk is free again; whatever is really wrong stops the others too.
            log.warning("A connection that helped was lost.", exc_info=True)
        finally:
            connection.close()
