"""Writers that the database chose as victims try again."""

import functools
import itertools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction

P = ParamSpec("P")
T = TypeVar("T")

# PostgreSQL, appendix A: serialization_failure and deadlock_detected.
VICTIM = ("40001", "40P01")
ATTEMPTS = 6
# The longest pause before the second attempt, in seconds; it doubles with each.
FIRST_PAUSE = 0.05


def retried(write: Callable[P, T]) -> Callable[P, T]:
    """Run a function in a transaction; a victim of others runs again from its start.

    For functions that leave nothing behind but what they write to the database. Inside
    a transaction that is open already the whole of it would have to run again: then
    this only nests, and whoever began the transaction is the one to repeat it.
    """

    @functools.wraps(write)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        def once() -> T:
            with transaction.atomic():
                return write(*args, **kwargs)

        return again(once)

    return run


def again(act: Callable[[], T]) -> T:
    """Call a function that has transactions of its own, from its start as a victim."""
    for attempt in itertools.count(1):
        is_outermost = not connection.in_atomic_block
        try:
            return act()
        except OperationalError as error:
            if not is_outermost or attempt == ATTEMPTS or not is_victim(error):
                raise
        pause = FIRST_PAUSE * 2 ** (attempt - 1)
        time.sleep(random.uniform(0, pause))  # noqa: S311  (nothing secret)
    raise AssertionError  # the loop ends by itself


def is_victim(error: BaseException) -> bool:
    """Whether the database ended this transaction so that others could go on."""
    return getattr(error.__cause__, "pgcode", "") in VICTIM
