"""Thousands of values in one condition."""

import contextlib
import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BigIntegerField, ExpressionWrapper, F, Lookup, Q, QuerySet
from django.db.models.expressions import Combinable
from django.utils import timezone

from audiences.sql.statements import fetch, is_postgresql


class _Among(Lookup[Any]):
    """`field = ANY ('{…}')`: one parameter, however many values there are."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        field, params = self.process_lhs(compiler, connection)
        written = _written(self.rhs)
        if is_postgresql():
            kind = "bigint" if isinstance(self.rhs[0], int) else "text"
            return f"{field} = ANY (%s::{kind}[])", [*params, written]
        return f"{field} IN (SELECT value FROM json_each(%s))", [*params, written]


def _written(values: Sequence[Any]) -> str:
    """Many values as one, in order: PostgreSQL would take long to compare texts."""
    in_order = sorted(values)
    return _array(in_order) if is_postgresql() else json.dumps(in_order)


def _array(values: Sequence[Any]) -> str:
    """The literal of an array of PostgreSQL (manual, 8.15.2)."""
    if isinstance(values[0], int):
        return "{" + ",".join(map(str, values)) + "}"
    # No text has a NUL: all of them are quoted at once.
    quoted = "\0".join(values).replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + quoted.replace("\0", '","') + '"}'


def among(name: str, values: Iterable[int] | Iterable[str]) -> Q:
    """Rows whose field is one of these; `IN` for thousands of values.

    With `IN` the ORM looks at each value several times, and so does the database: for a
    chunk of an import that takes as long as to find the rows. The values are written as
    they are: integers, or texts without NUL.
    """
    listed = list(values)
    return Q(_Among(F(name), listed)) if listed else Q(pk__in=[])


def beside(name: str) -> Combinable:
    """A number as what some rows are tried for, when others have found them.

    No index is asked by it. After many rows of a new value were written, statistics say
    that there are none, and PostgreSQL would look through all of them each time.
    """
    return ExpressionWrapper(F(name) + 0, output_field=BigIntegerField())


class CompiledAmong:
    """A queryset about `among(…, stand_in)`, run for other values in its place.

    `numbers` stands for integers, `texts` for texts. However often a statement repeats
    them, the values are written down once. `low` and `high` in the queryset stand for
    the least and the greatest of the numbers, and the moment `at` for the one when the
    rows are asked for.
    """

    low, high = -(2**61), -(2**61) + 1
    numbers, texts = (low,), ("the texts that somebody asks for",)

    def __init__(
        self, queryset: QuerySet[Any, Any], at: datetime | None = None
    ) -> None:
        self.sql: str = ""
        self.params: tuple[Any, ...] = ()
        self._at = at
        with contextlib.suppress(EmptyResultSet):  # then there are never any rows
            compiler = queryset.query.get_compiler(connection=connection)
            self.sql, self.params = compiler.as_sql()

    def rows(self, values: Collection[int] | Collection[str]) -> list[tuple[Any, ...]]:
        """The rows of the queryset for these values, as the driver gives them."""
        if not self.sql or not values:
            return []
        in_order: list[Any] = sorted(values)
        written = _written(in_order)
        instead: dict[Any, Any] = {
            _written(self.numbers): written,
            _written(self.texts): written,
        }
        if isinstance(in_order[0], int):
            instead |= {self.low: in_order[0], self.high: in_order[-1]}
        if self._at:
            instead[_moment(self._at)] = _moment(timezone.now())
        return fetch(
            self.sql,
            [instead.get(x, x) if type(x) in _REPLACED else x for x in self.params],
        )


_REPLACED = (int, str, datetime)


def _moment(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)
