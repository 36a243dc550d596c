"""Thousands of values in one condition."""

import contextlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, Lookup, Q, QuerySet

from audiences.sql.statements import fetch, is_postgresql


class _Among(Lookup[Any]):
    """`field = ANY ('{…}')`: one parameter, however many values there are."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        field, params = self.process_lhs(compiler, connection)
        if is_postgresql():
            kind = "bigint" if isinstance(self.rhs[0], int) else "text"
            return f"{field} = ANY (%s::{kind}[])", [*params, _array(self.rhs)]
        listed = json.dumps(self.rhs)
        return f"{field} IN (SELECT value FROM json_each(%s))", [*params, listed]


def _array(values: Sequence[Any]) -> str:
    """The literal of an array of PostgreSQL (manual, 8.15.2)."""
    if isinstance(values[0], int):
        return "{" + ",".join(map(str, values)) + "}"
    quoted = (v.replace("\\", "\\\\").replace('"', '\\"') for v in values)
    return '{"' + '","'.join(quoted) + '"}'


def among(name: str, values: Iterable[int] | Iterable[str]) -> Q:
    """Rows whose field is one of these; `IN` for thousands of values.

    With `IN` the ORM looks at each value several times, and so does the database: for a
    chunk of an import that takes as long as to find the rows. The values are written as
    they are: integers, or texts without NUL.
    """
    listed = list(values)
    return Q(_Among(F(name), listed)) if listed else Q(pk__in=[])


class CompiledAmong:
    """A queryset about `among(…, stand_in)`, run for other numbers in its place.

    However often a statement repeats them, the numbers are written down once. `low` and
    `high` in the queryset stand for the least and the greatest of them.
    """

    low, high = -(2**61), -(2**61) + 1
    stand_in = (low,)

    def __init__(self, queryset: QuerySet[Any, Any]) -> None:
        self.sql: str = ""
        self.params: tuple[Any, ...] = ()
        with contextlib.suppress(EmptyResultSet):  # then there are never any rows
            compiler = queryset.query.get_compiler(connection=connection)
            self.sql, self.params = compiler.as_sql()

    def rows(self, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
        """The rows of the queryset for these numbers."""
        if not self.sql or not numbers:
            return []
        instead = {
            self._written(self.stand_in): self._written(numbers),
            self.low: min(numbers),
            self.high: max(numbers),
        }
        return fetch(
            self.sql,
            [instead.get(x, x) if type(x) in (int, str) else x for x in self.params],
        )

    @staticmethod
    def _written(numbers: Sequence[int]) -> str:
        return _array(numbers) if is_postgresql() else json.dumps(list(numbers))
