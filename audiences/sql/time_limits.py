"""How long a question may take, and how many rows the planner expects of it."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, models, transaction

from audiences.refusals import Refused
from audiences.sql.statements import fetch, is_postgresql


class TooSlow(Refused):
    """A question took longer than its asker would wait."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Cut off a statement that takes longer; raises TooSlow. For reading only."""
    try:
        if is_postgresql():
            with transaction.atomic():
                before = fetch("SHOW statement_timeout")[0][0]
                _set_timeout(f"{int(seconds * 1000)}ms")
                yield
                _set_timeout(before)
        else:
            connection.ensure_connection()
            raw = connection.connection
            raw.set_progress_handler(_once_after(seconds), 10_000)
            try:
                yield
            finally:
                raw.set_progress_handler(None, 0)
    except OperationalError as error:
        if was_cut_off(error) or "interrupted" in str(error):
            raise TooSlow(f"It took longer than {seconds:g} seconds.") from error
        raise


def was_cut_off(error: BaseException) -> bool:
    """Whether PostgreSQL ended a statement because it took too long.

    57014: query_canceled (manual, appendix A).
    """
    return getattr(error.__cause__, "pgcode", "") == "57014"


def _once_after(seconds: float) -> Callable[[], bool]:
    """Interrupts one statement: Django asks SQLite about the one that was cut off."""
    deadline = time.monotonic() + seconds
    answers = iter([True])
    return lambda: time.monotonic() > deadline and next(answers, False)


def _set_timeout(value: str) -> None:
    fetch("SELECT set_config('statement_timeout', %s, true)", [value])


class Expected(NamedTuple):
    """What PostgreSQL's planner expects of a query, without running it."""

    rows: int
    cost: float


def expected(queryset: models.QuerySet[Any, Any]) -> Expected | None:
    """How many rows, at which cost; None where there is no estimate."""
    if not is_postgresql():
        return None
    try:
        plan = json.loads(queryset.order_by().explain(format="json"))[0]["Plan"]
    except EmptyResultSet:
        return Expected(0, 0)
    return Expected(int(plan["Plan Rows"]), float(plan["Total Cost"]))
