"""One process analyses a delivery at a time; a second one is refused."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from audiences import sql
from audiences.refusals import Refused
from delivery.models import Delivery

SECONDS_TO_WAIT = 5


class AnalysisRefused(Refused):
    """The analysis cannot run now; the message says why."""


class AnalysisBusy(AnalysisRefused):
    """Another process analyses the delivery at this moment."""


def lost(session: Any) -> bool:
    """Whether the connection broke; Django may have opened another one since."""
    return connection.connection is not session or not connection.is_usable()


def is_at_work(delivery: Delivery) -> bool:
    """Whether a process that is alive analyses the delivery."""
    try:
        with only_one(delivery, wait_seconds=0):
            return False
    except AnalysisBusy:
        return True


@contextmanager
def only_one(delivery: Delivery, wait_seconds: float) -> Iterator[None]:
    """Hold the delivery's lock; wait a little, then refuse and name the holder."""
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            with sql.process_lock(f"analysis-{delivery.pk}"):
                yield
                return
        except sql.Locked as error:
            if time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            run = delivery.latest_analysis
            who = f"process {run.process} on {run.host}" if run else "another process"
            raise AnalysisBusy(
                f"{delivery.label!r} is being analysed by {who}. Wait until it is done."
            ) from error
