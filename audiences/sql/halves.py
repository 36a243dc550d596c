"""A question about many values in two halves, each on a connection of its own.

While PostgreSQL answers a statement, all other cores do nothing for the question. A
process has one such connection beside those of its threads, from when it is first
asked for; it is kept as long as theirs.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection, connections
from django.db.utils import InterfaceError, OperationalError

from audiences.sql.statements import is_postgresql, look_ups
from audiences.sql.time_limits import was_cut_off

K = TypeVar("K")
V = TypeVar("V")
Ask = Callable[[Sequence[K]], dict[K, V]]

# Of fewer values each statement takes longer to begin than to answer.
FEWEST = 200


def in_halves(ask: Ask[K, V], values: Sequence[K]) -> dict[K, V]:
    """What a question that only reads answers about each value, found by look-ups.

    In a transaction, whose writes no other connection sees, nothing is halved; nor on
    SQLite, nor while another thread of the process has the second connection. Where the
    server gives none, the other half is asked here too; where the process may begin no
    thread, as when it ends, all of it.
    """
    alone = len(values) < FEWEST or not is_postgresql() or connection.in_atomic_block
    if alone or not _free.acquire(blocking=False):
        with look_ups():
            return ask(values)
    try:
        half = len(values) // 2
        try:
            later = _second.submit(_asked_there, ask, values[half:])
        except RuntimeError:
            return _looked_up(ask, values)
        try:
            with look_ups():
                found = ask(values[:half])
        finally:
            # Nothing of a question goes on after its answer.
            failed = later.exception()
        is_gone = isinstance(failed, OperationalError | InterfaceError)
        # What took too long would do so here as well.
        if failed and is_gone and not was_cut_off(failed):
            return found | _looked_up(ask, values[half:])
        return found | later.result()
    finally:
        _free.release()


def close() -> None:
    """End the second connection; the next question opens it again."""
    _second.submit(connections.close_all).result()


def _asked_there(ask: Ask[K, V], values: Sequence[K]) -> dict[K, V]:
    """On the second connection, which nobody else ends when it was kept long enough."""
    try:
        return _looked_up(ask, values)
    finally:
        connection.close_if_unusable_or_obsolete()


def _looked_up(ask: Ask[K, V], values: Sequence[K]) -> dict[K, V]:
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    with look_ups():
        return ask(values)


def _begin() -> None:
    """A forked child has no thread of its parent's, nor one that frees its locks."""
    global _free, _second
    _free, _second = threading.Lock(), ThreadPoolExecutor(1, "second-connection")


_free: threading.Lock
_second: ThreadPoolExecutor
_begin()
os.register_at_fork(after_in_child=_begin)
