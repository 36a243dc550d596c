"""The clock: what is due by time, asked for by one process, wherever clocks run.

Every worker has a clock, and so may other machines. The one that holds the lease in the
database ticks; the others wait until it is free. When each task was last asked for
stands beside the lease: a new holder goes on from there, and catches up on a night that
nobody was awake in. A task may be asked for twice; all of them may be repeated.
"""

import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from celery import beat
from celery.schedules import BaseSchedule, schedule
from django.db import Error, close_old_connections, connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from audiences.models import Lease

from . import presence

NAME = "clock"
# For how long a holder that says nothing is believed.
LEASE = timedelta(seconds=45)
# Seconds between two renewals, and between two tries of those who wait.
RENEWAL = 10.0
# Seconds until the next try when the queue or the database is away.
AWAY = 5.0
# What comes more often than this need not wait in a queue that nobody reads.
OFTEN = 600.0

log = logging.getLogger(__name__)


def take(holder: str) -> Lease | None:
    """The lease, if this holder has it or it is free."""
    mine_or_free = Q(holder=holder) | Q(until__lte=Now())
    with transaction.atomic():
        rows = Lease.objects.filter(mine_or_free, name=NAME)
        if not rows.update(holder=holder, until=Now() + LEASE):
            first = {"holder": holder, "until": Now() + LEASE}
            _row, is_new = Lease.objects.get_or_create(name=NAME, defaults=first)
            if not is_new:
                return None
        return Lease.objects.get(name=NAME)


def give_back(holder: str) -> None:
    """Let another one tick at once."""
    Lease.objects.filter(name=NAME, holder=holder).update(until=Now())


def keep(holder: str, moments: Mapping[str, str]) -> None:
    """Write down when each task was last asked for."""
    Lease.objects.filter(name=NAME, holder=holder).update(data=dict(moments))


def _is_interval(when: BaseSchedule) -> bool:
    return isinstance(when, schedule)


class Clock(beat.Scheduler):  # type: ignore[misc]
    """Celery's scheduler, which ticks only while it holds the lease."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._holder = presence.own_name()
        self._holds = False
        self._asked_at = 0.0
        self._unwritten = False
        super().__init__(*args, **kwargs)

    # Each task is sent by a connection of its own pool, tried once: what is away is
    # tried again by the next tick, and never kept waiting for.
    producer = None

    def tick(self, *args: Any, **kwargs: Any) -> float:
        try:
            if not self._may_tick():
                return RENEWAL
            return float(super().tick(*args, **kwargs))
        except (Error, OperationalError, OSError, beat.SchedulingError) as error:
            log.warning("The clock waits: %s.", type(error).__name__)
            self._heap = None
            self._asked_at = 0.0
            return AWAY

    def _may_tick(self) -> bool:
        if self._holds and time.monotonic() - self._asked_at < RENEWAL:
            return True
        if not connection.in_atomic_block:  # as in tests
            close_old_connections()
        if self._holds and self._unwritten:
            keep(self._holder, self._moments())
            self._unwritten = False
        lease = take(self._holder)
        if lease and not self._holds:
            self._go_on_from(lease.data)
        self._holds = lease is not None
        self._asked_at = time.monotonic()
        return self._holds

    def _moments(self) -> dict[str, str]:
        return {name: e.last_run_at.isoformat() for name, e in self.schedule.items()}

    def _go_on_from(self, moments: Mapping[str, str]) -> None:
        for name, entry in self.schedule.items():
            if name in moments:
                entry.last_run_at = datetime.fromisoformat(moments[name])
        self._heap = None

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Ask for the task; if the queue is away, it stays due."""
        options = {}
        is_often = _is_interval(entry.schedule)
        if is_often and entry.schedule.run_every.total_seconds() <= OFTEN:
            options["expires"] = entry.schedule.run_every.total_seconds()
        try:
            self.app.send_task(entry.task, retry=False, **options)
        except Exception:
            self.schedule[entry.name].last_run_at = entry.last_run_at
            raise
        self._unwritten = True

    def close(self) -> None:
        try:
            if self._holds:
                keep(self._holder, self._moments())
                give_back(self._holder)
        except Error:
            log.warning("The lease of the clock ends by itself.")
