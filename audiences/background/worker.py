"""The background worker: tasks and a clock in a process, and a keeper that restarts it.

Any number of them may run, on any number of machines: each has a name of its own, and
of their clocks one ticks. A worker is a process with threads: whatever ends it ends
everything and leaves nothing behind. Our rows say how far it was, so stopping it midway
loses nothing.

A worker that has lost the queue may end, or stay and hear nothing more: both are known
faults of the libraries that speak to Redis. The second comes when a task ends while
Redis is away: its loop then listens to no connection at all, and never notices. So a
worker has a keeper, and one that listens to nothing, or hears nothing although clocks
tick, ends itself.
"""

import logging
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import current_app
from celery.beat import EmbeddedService
from celery.exceptions import SecurityWarning
from celery.signals import task_prerun, worker_ready, worker_shutdown
from celery.worker import state
from django.conf import settings
from django.db import Error

from . import clock as clocks, presence
from .keeping import Kept, keep

# Without a task for this long, a worker that does nothing has gone deaf: clocks ask for
# one each twenty seconds.
DEAF_SECONDS = 300.0
# Seconds that running tasks have to finish in once the worker is asked to stop.
PATIENCE = 5
COMMAND = ("worker", "--with-parent")

# By its path, as Celery wants it.
CLOCK = f"{clocks.Clock.__module__}:{clocks.Clock.__name__}"

log = logging.getLogger(__name__)
_name = presence.own_name()
_heard_at = time.monotonic()
_ears: "Ears | None" = None


class Ears:
    """Whether a worker listens to any connection: one between two of them may not."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._was_deaf = False

    def are_deaf(self) -> bool:
        """Whether it listened to nothing, connected as it thinks, at two looks."""
        # Without a loop of events, as with folders, it asks the queue again and again.
        hub = getattr(self._consumer, "hub", None)
        is_connected = getattr(self._consumer, "connection", None) is not None
        is_deaf = hub is not None and is_connected and not hub.readers
        was_deaf, self._was_deaf = self._was_deaf, is_deaf
        return is_deaf and was_deaf


def run_kept(threads: int) -> None:
    """Keep a worker running until a signal says stop."""
    manage = (sys.executable, str(settings.BASE_DIR / "manage.py"))
    command = (*manage, "worker", "--unkept", "--threads", str(threads))
    keep([Kept("The worker", command)])


def run(*, threads: int, with_parent: bool = False) -> None:
    """Work until a signal says stop.

    With `with_parent`, stop as well when standard input ends: it is a pipe held open by
    the process that started the worker, so it ends however that process ends.
    """
    if with_parent:  # first, since it may end while this starts
        threading.Thread(target=_end_with_input, daemon=True).start()
    # Mails of the console backend are for people, not for a log.
    current_app.conf.worker_redirect_stdouts = False
    # Celery warns of root because of pickle, which we do not accept.
    warnings.simplefilter("ignore", SecurityWarning)
    # A folder has no host name and needs none.
    logging.getLogger("kombu.connection").setLevel(logging.ERROR)
    worker = current_app.Worker(
        pool="threads",
        concurrency=threads,
        # Two containers may have one host name: RabbitMQ refuses the second.
        hostname=f"campaign@{_name}",
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    clock = EmbeddedService(
        current_app._get_current_object(), thread=True, scheduler_cls=CLOCK
    )
    clock.start()
    worker.start()
    _stop(clock)
    sys.exit(worker.exitcode)


@task_prerun.connect  # type: ignore[untyped-decorator]
def _hear(**kwargs: Any) -> None:
    global _heard_at  # noqa: PLW0603  (one worker, one ear)
    _heard_at = time.monotonic()


@worker_ready.connect  # type: ignore[untyped-decorator]
def _be_seen(sender: Any = None, **kwargs: Any) -> None:
    """However the worker was started: by our command, or by Celery's own."""
    global _ears  # noqa: PLW0603
    _ears = Ears(sender)
    _hear()
    presence.keep_noting(_name, each_time=_end_when_deaf)


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def _take_leave(**kwargs: Any) -> None:
    try:
        presence.leave(_name)
    except Error:
        log.info("The database is away; the sign of life ends by itself.")


def _end_when_deaf() -> None:
    is_deaf = _ears is not None and _ears.are_deaf()
    silent = time.monotonic() - _heard_at
    if state.active_requests or not (is_deaf or silent > DEAF_SECONDS):
        return
    if is_deaf:
        log.error("This worker listens to no queue any more: it ends.")
    else:
        log.error("Nothing was asked of this worker for %.0f s: it ends.", silent)
    os._exit(1)


def _stop(clock: Any) -> None:
    """Let the clock save its position; one that has died would never answer."""
    stopping = threading.Thread(target=clock.stop, daemon=True)
    stopping.start()
    stopping.join(timeout=2)


def _end_with_input() -> None:
    """End as soon as the parent has ended: at once, or after running tasks finish.

    It waits for nothing that might never answer; interrupted work is in our rows.
    """
    while sys.stdin.buffer.read(1024):
        pass
    if state.active_requests:
        # What a signal does, without its words in the terminal of the parent.
        state.should_stop = 0
        time.sleep(PATIENCE)
    os._exit(0)


@contextmanager
def beside_this_process() -> Iterator[None]:
    """A worker that ends with this process, however that ends.

    This process holds the other end of its standard input. The worker has a session of
    its own: Ctrl-C reaches only this process, which then ends the worker.
    """
    process = subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *COMMAND],
        stdin=subprocess.PIPE,
        env=os.environ | {"BASE_URL": settings.BASE_URL},
        start_new_session=True,
    )
    assert process.stdin is not None  # noqa: S101
    try:
        yield
    finally:
        process.stdin.close()
        process.wait()
