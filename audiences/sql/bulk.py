"""Rows from Python into tables, in the fastest way that the database has."""

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any

from django.db import connection, models
from django.db.models import Choices

from .statements import column_of, execute, fetch, is_postgresql, table_of

# Columns that triggers of SQLite would fill by a second statement for each row, and
# what they write there: a row that has it already needs none.
filled: dict[str, str] = {}
# Rows in one statement of SQLite: a third faster than one by one.
_TOGETHER = 10


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
            # What Django does not know it does not turn into its own errors, by which
            # a victim of others is known.
            with connection.wrap_database_errors:
                cursor.cursor.copy_expert(
                    f"COPY {table_of(model)} ({names}) FROM STDIN", _Lines(rows)
                )
        else:
            own = {column.attname for column in model._meta.local_concrete_fields}
            more = [name for name in filled if name in own and name not in columns]
            names = ", ".join([names, *(column_of(model, name) for name in more)])
            marks = ", ".join([*["%s"] * len(columns), *map(filled.__getitem__, more)])
            insert = f"INSERT INTO {table_of(model)} ({names}) VALUES "
            values = list(_sqlite_rows(model, columns, rows))
            whole = len(values) - len(values) % _TOGETHER
            cursor.executemany(
                insert + ", ".join([f"({marks})"] * _TOGETHER),
                [
                    [*chain.from_iterable(values[start : start + _TOGETHER])]
                    for start in range(0, whole, _TOGETHER)
                ],
            )
            cursor.executemany(f"{insert}({marks})", values[whole:])


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
            # The name of the sequence is looked up once, and not for each id.
            "SELECT nextval(named.sequence) FROM (SELECT"
            " pg_get_serial_sequence(%s, 'id')::regclass AS sequence OFFSET 0) named,"
            " generate_series(1, %s)",
            [table, count],
        )
        return sorted(row[0] for row in rows)
    rows = fetch("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
    last = rows[0][0] if rows else 0
    return list(range(last + 1, last + 1 + count))


class _Lines:
    """Rows as a file that COPY reads: the server takes in some while we write more."""

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self._rows = iter(rows)

    def read(self, _size: int = -1) -> bytes:
        return copy_lines(list(islice(self._rows, _ROWS_AT_ONCE)))


_ROWS_AT_ONCE = 500
# Of these a column has few different values: many rows are written in one moment, or
# with one of some choices.
_FEW = (bool, datetime, Choices)
_COPY_ESCAPES = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"},
)


def copy_lines(rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as COPY reads them (manual, "COPY", Text Format).

    Written column by column, without a look at each value. What comes out has as many
    separators and escapes as we have put there, or a value has one of its own: then
    each is looked at.
    """
    if not rows:
        return b""
    escapes, columns = 0, []
    for values in zip(*rows, strict=True):
        kinds = list(map(type, values))
        of_one_kind = kinds.count(kinds[0]) == len(kinds)
        if of_one_kind and kinds[0] is str:
            columns.append(values)
        elif of_one_kind and kinds[0] is int:
            columns.append(tuple(map(str, values)))
        elif of_one_kind and issubclass(kinds[0], _FEW):
            said = {value: _COPY[kinds[0]](value) for value in set(values)}
            columns.append(tuple(map(said.__getitem__, values)))
        elif of_one_kind and kinds[0] is type(None):
            escapes += len(values)
            columns.append(("\\N",) * len(values))
        else:
            escapes += kinds.count(type(None)) + 2 * kinds.count(bytes)
            columns.append(tuple(_COPY[type(value)](value) for value in values))
    text = "\n".join([*map("\t".join, zip(*columns, strict=True)), ""])
    if (
        text.count("\\") == escapes
        and text.count("\n") == len(rows)
        and text.count("\t") == len(rows) * (len(columns) - 1)
        and "\r" not in text
    ):
        return text.encode()
    lines = ("\t".join([_COPY[type(value)](value) for value in row]) for row in rows)
    return "\n".join([*lines, ""]).encode()


def _copy_text(value: Any) -> str:
    return str(value).translate(_COPY_ESCAPES)


_COPY: dict[type, Callable[[Any], str]] = defaultdict(
    lambda: _copy_text,
    {
        type(None): lambda value: "\\N",
        bool: lambda value: "t" if value else "f",
        int: str,
        bytes: lambda value: f"\\\\x{value.hex()}",
    },
)


def _sqlite_rows(
    model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterator[Sequence[Any]]:
    """The rows with the moments as SQLite keeps them; nearly no column is one."""
    moments = [
        position
        for position, name in enumerate(columns)
        if isinstance(model._meta.get_field(name), models.DateTimeField)
    ]
    if not moments:
        yield from rows
        return
    # Rows that are made together have few.
    known = functools.lru_cache(maxsize=1000)(_sqlite_value)
    for row in rows:
        values = list(row)
        for position in moments:
            values[position] = known(values[position])
        yield values


def _sqlite_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value
