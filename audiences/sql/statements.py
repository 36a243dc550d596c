"""Bulk SQL: the only module that opens a cursor. Both apps use it.

Querysets say *what*; this module only writes their rows somewhere without bringing
them through Python, or brings rows from Python in the fastest way that the database
has. Nothing here knows the domain.
"""

import contextlib
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models, transaction


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def execute(sql: str, params: Sequence[Any] = ()) -> int:
    """Run one statement; returns the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return int(cursor.rowcount)


def fetch(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run one query and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return list(cursor.fetchall())


class Compiled:
    """A queryset that is compiled once, and run with other numbers in certain places.

    Composing a statement of many rules takes the ORM some milliseconds, more than the
    database needs for a batch. `stand_ins` are the numbers in the queryset (no other
    value in it may equal them) that `rows` replaces, in this order.
    """

    def __init__(
        self, queryset: models.QuerySet[Any, Any], stand_ins: Sequence[int]
    ) -> None:
        self.stand_ins = list(stand_ins)
        self.sql = ""
        self.params: tuple[Any, ...] = ()
        with contextlib.suppress(EmptyResultSet):  # then there are never any rows
            compiler = queryset.query.get_compiler(connection=connection)
            self.sql, self.params = compiler.as_sql()

    def rows(self, *numbers: int) -> list[tuple[Any, ...]]:
        """The rows of the queryset with these numbers instead of the stand-ins."""
        if not self.sql:
            return []
        instead = dict(zip(self.stand_ins, numbers, strict=True))
        return fetch(
            self.sql,
            [instead.get(x, x) if type(x) is int else x for x in self.params],
        )


def insert_select(
    model: type[models.Model], columns: Sequence[str], queryset: models.QuerySet[Any]
) -> int:
    """Insert the rows of a `values_list` queryset into the fields of a model.

    The queryset yields its values in the order of `columns` (field attnames). One
    statement, no row passes through Python. Returns the number of rows.
    """
    try:
        sql, params = queryset.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:  # Django knows without asking that there is nothing
        return 0
    names = ", ".join(column_of(model, name) for name in columns)
    return execute(f"INSERT INTO {table_of(model)} ({names}) {sql}", params)


def insert_counted(
    model: type[models.Model],
    columns: Sequence[str],
    queryset: models.QuerySet[Any],
    *,
    by: str,
) -> dict[Any, int]:
    """`insert_select`, and how many rows were written for each value of a field.

    PostgreSQL counts what the statement returns; SQLite reads the rows again, which lie
    together at the end of the table.
    """
    table, value = table_of(model), column_of(model, by)
    if not is_postgresql():
        last = fetch(f"SELECT COALESCE(MAX(rowid), 0) FROM {table}")[0][0]
        insert_select(model, columns, queryset)
        return dict(
            fetch(
                f"SELECT {value}, COUNT(*) FROM {table} WHERE rowid > %s GROUP BY 1",
                [last],
            )
        )
    try:
        sql, params = queryset.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return {}
    names = ", ".join(column_of(model, name) for name in columns)
    return dict(
        fetch(
            f"WITH written AS (INSERT INTO {table} ({names}) {sql} RETURNING {value})"
            f" SELECT {value}, COUNT(*) FROM written GROUP BY 1",
            params,
        )
    )


def bulk_insert(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows made in Python: COPY on PostgreSQL, executemany on SQLite.

    `columns` are field attnames; each row has its values in that order. Values are
    written as they are: the caller has validated them.
    """
    names = ", ".join(column_of(model, name) for name in columns)
    with connection.cursor() as cursor:
        if is_postgresql():
            text = io.StringIO()
            for row in rows:
                text.write("\t".join(map(_copy_value, row)) + "\n")
            text.seek(0)
            cursor.cursor.copy_expert(
                f"COPY {table_of(model)} ({names}) FROM STDIN", text
            )
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(
                f"INSERT INTO {table_of(model)} ({names}) VALUES ({marks})",
                [[_sqlite_value(value) for value in row] for row in rows],
            )


def bulk_update(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Any]
) -> None:
    """Write these fields of instances, found by their ids, in one statement.

    (Django's own bulk_update compares every row with every instance.)
    """
    if not rows:
        return
    table, key = table_of(model), column_of(model, "id")
    names = [column_of(model, name) for name in columns]
    values = [[getattr(row, name) for row in rows] for name in ["id", *columns]]
    if is_postgresql():
        arrays = ", ".join(
            f"%s::{model._meta.get_field(name).db_type(connection)}[]"
            for name in columns
        )
        sets = ", ".join(f"{name} = new.{name}" for name in names)
        execute(
            f"UPDATE {table} SET {sets} FROM unnest(%s::bigint[], {arrays})"
            f" AS new({', '.join([key, *names])}) WHERE {table}.{key} = new.{key}",
            values,
        )
        return
    sets = ", ".join(f"{name} = %s" for name in names)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET {sets} WHERE {key} = %s",
            [
                [*map(_sqlite_value, row[1:]), row[0]]
                for row in zip(*values, strict=True)
            ],
        )


def draw_ids(model: type[models.Model], count: int) -> list[int]:
    """Take `count` unused ids of a model, in rising order, for `bulk_insert`.

    On SQLite the caller must be in a transaction that writes (they are immediate).
    """
    if not count:
        return []
    table = model._meta.db_table
    if is_postgresql():
        rows = fetch(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id'))"
            " FROM generate_series(1, %s)",
            [table, count],
        )
        return sorted(row[0] for row in rows)
    rows = fetch("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
    last = rows[0][0] if rows else 0
    return list(range(last + 1, last + 1 + count))


def expect_look_ups() -> None:
    """Let the rest of the transaction find its rows by index on PostgreSQL.

    For chunks of a few thousand ids out of a large table. Where statistics are old or
    missing, as after a bulk load, the planner would rather read the whole table for
    each chunk: the time then grows with the square of the rows. (A scan that is
    forbidden counts as very dear, for which PostgreSQL would compile the statement:
    that takes longer than to run it.)
    """
    if is_postgresql():
        execute(
            "SELECT set_config(name, value, true) FROM (VALUES"
            " ('enable_seqscan', 'off'), ('random_page_cost', '1.1'), ('jit', 'off'))"
            " AS settings (name, value)"
        )


@contextlib.contextmanager
def look_ups() -> Iterator[None]:
    """As `expect_look_ups`, for what reads outside a transaction."""
    if not is_postgresql():
        yield
        return
    with transaction.atomic():
        expect_look_ups()
        yield


def analyze(*tables: type[models.Model]) -> None:
    """Refresh the planner's statistics after a bulk load."""
    for model in tables:
        execute(f"ANALYZE {table_of(model)}")


def table_of(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def column_of(model: type[models.Model], name: str) -> str:
    column: str = getattr(model._meta.get_field(name), "column", name)
    return connection.ops.quote_name(column)


_COPY_ESCAPES = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"},
)


def _copy_value(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value).translate(_COPY_ESCAPES)


def _sqlite_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value


def column_names(table: str) -> list[str]:
    """The columns of a table, in their order."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_description(cursor, table)
    return [column.name for column in found]


def unique_keys(table: str) -> set[tuple[str, ...]]:
    """The columns of each unique constraint, index and primary key of a table."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    return {
        tuple(facts["columns"])
        for facts in found.values()
        if (facts["unique"] or facts["primary_key"]) and facts["columns"]
    }
