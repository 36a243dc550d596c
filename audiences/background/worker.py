"""The background worker of one machine: tasks and their schedule in a single process.

On several machines Celery's own commands do this (docs/operations.md). It is one
process with threads: whatever ends it ends everything and leaves nothing behind. Our
rows say how far it was, so stopping it midway loses nothing.
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
from celery.worker import state
from django.conf import settings

THREADS = 2
# Seconds that running tasks have to finish in once the worker is asked to stop.
PATIENCE = 5
COMMAND = ("worker", "--with-parent")


def run(*, with_parent: bool = False) -> None:
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
        concurrency=THREADS,
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    clock = EmbeddedService(current_app._get_current_object(), thread=True)
    clock.start()
    worker.start()
    _stop(clock)
    sys.exit(worker.exitcode)


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
