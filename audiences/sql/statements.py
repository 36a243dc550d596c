"""Bulk SQL: the only module that opens a cursor. Both apps use it.

Querysets say *what*; this module only writes their rows somewhere without bringing
them through Python, or brings rows from Python in the fastest way that the database
has. Nothing here knows the domain.
"""

import contextlib
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models

from audiences.models import StagedProfile


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


def raw_rows(queryset: models.QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """The rows of a `values_list` queryset as the driver gives them.

    Django converts each value of SQLite by itself. Here a boolean may be 0 or 1, and a
    moment a text.
    """
    try:
        compiler = queryset.query.get_compiler(connection=connection)
        statement, params = compiler.as_sql()
    except EmptyResultSet:
        return []
    return fetch(statement, params)


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


def expect_look_ups() -> None:
    """Let the rest of the transaction find its rows by index on PostgreSQL.

    For chunks of a few thousand ids out of a large table. Where statistics are old or
    missing, as after a bulk load, the planner would rather read the whole table for
    each chunk: the time then grows with the square of the rows.
    """
    if is_postgresql():
        execute("SET LOCAL enable_seqscan = off")
        execute("SET LOCAL random_page_cost = 1.1")


def analyze(*tables: type[models.Model]) -> None:
    """Refresh the planner's statistics after a bulk load."""
    for model in tables:
        execute(f"ANALYZE {table_of(model)}")


def are_written(*tables: type[models.Model]) -> bool:
    """Whether another transaction that is still open has written to these tables.

    SQLite has one writer, and gives ids in the order of the commits: never.
    """
    if not is_postgresql():
        return False
    rows = fetch(
        "SELECT 1 FROM pg_locks JOIN pg_class ON pg_class.oid = relation"
        " WHERE relname = ANY(%s) AND mode = 'RowExclusiveLock'"
        " AND database = (SELECT oid FROM pg_database"
        " WHERE datname = current_database())"
        " AND pid IS DISTINCT FROM pg_backend_pid() LIMIT 1",
        [[model._meta.db_table for model in tables]],
    )
    return bool(rows)


def table_of(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def column_of(model: type[models.Model], name: str) -> str:
    column: str = getattr(model._meta.get_field(name), "column", name)
    return connection.ops.quote_name(column)


def stage_profiles(queryset: models.QuerySet[Any]) -> int:
    """Lock the profiles of a queryset and put their ids into `StagedProfile`.

    The rows are locked in the order of their ids until the transaction ends, so two
    writers cannot wait for each other. Returns how many there are.
    """
    locked = queryset.order_by("pk").select_for_update(of=("self",)).values_list("pk")
    return stage(StagedProfile, ["id"], locked)


def stage(
    model: type[models.Model], columns: Sequence[str], queryset: models.QuerySet[Any]
) -> int:
    """Fill the temporary table of an unmanaged model with the rows of a queryset.

    The table belongs to the connection and is empty after the transaction; what was
    staged before is forgotten. Returns the number of rows.
    """
    fields = model._meta.local_concrete_fields
    definition = ", ".join(
        f"{column_of(model, field.attname)} {field.db_type(connection)}"
        + (" PRIMARY KEY" if field.primary_key else "")
        for field in fields
    )
    on_commit = " ON COMMIT DELETE ROWS" if is_postgresql() else ""
    table = table_of(model)
    execute(f"CREATE TEMP TABLE IF NOT EXISTS {table} ({definition}){on_commit}")
    execute(f"DELETE FROM {table}")
    return insert_select(model, columns, queryset)


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
