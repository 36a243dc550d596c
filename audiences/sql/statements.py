"""Bulk SQL: the only module that opens a cursor. Both apps use it.

Querysets say *what*; this module only writes their rows somewhere without bringing
them through Python, or brings rows from Python in the fastest way that the database
has. Nothing here knows the domain.
"""

import contextlib
from collections.abc import Iterator, Sequence
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


def empty_log() -> None:
    """Let SQLite write its log into the file now and empty it: it has what was erased.

    What was deleted in the file itself is overwritten at once (secure_delete). Readers
    that are still at it keep the log a little longer. PostgreSQL does such things in
    its own time (VACUUM).
    """
    if not is_postgresql():
        fetch("PRAGMA wal_checkpoint(TRUNCATE)")


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


def expect_order() -> None:
    """Let the rest of the transaction read rows along an index, one after another.

    After a bulk load the planner knows no better than to read and sort all that is left
    for each page: the time then grows with the square of the rows.
    """
    expect_look_ups()
    if is_postgresql():
        execute(
            "SELECT set_config('enable_' || name, 'off', true) FROM (VALUES"
            " ('sort'), ('hashjoin'), ('mergejoin'), ('bitmapscan'), ('gathermerge'))"
            " AS plans (name)"
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


@contextlib.contextmanager
def more_in_memory() -> Iterator[None]:
    """Give SQLite more memory while millions of rows are written.

    Its statement journals, which every row with triggers has, and temporary tables are
    no files then, and more of its indexes stay in the cache. PostgreSQL needs none of
    it. Inside a transaction SQLite changes neither, and nothing is done.
    """
    if is_postgresql() or connection.in_atomic_block:
        yield
        return
    pages = fetch("PRAGMA cache_size")[0][0]
    execute("PRAGMA temp_store = MEMORY")
    execute("PRAGMA cache_size = -16000")  # KiB
    try:
        yield
    finally:
        execute("PRAGMA temp_store = DEFAULT")
        execute(f"PRAGMA cache_size = {pages}")


def analyze(*tables: type[models.Model]) -> None:
    """Refresh the planner's statistics after a bulk load."""
    for model in tables:
        execute(f"ANALYZE {table_of(model)}")


def analyze_when_stale(*tables: type[models.Model]) -> None:
    """Refresh statistics of PostgreSQL that a bulk load has made wrong.

    Autovacuum does so by the same rule (`autovacuum_analyze_threshold` and its scale
    factor), up to a minute later: until then the planner believes that the rows of a
    load of a second ago are none.
    """
    if not is_postgresql():
        return
    stale = """SELECT n_mod_since_analyze > 10000 + n_live_tup / 10
        FROM pg_stat_user_tables WHERE relid = %s::regclass"""
    for model in tables:
        if any(is_stale for (is_stale,) in fetch(stale, [table_of(model)])):
            analyze(model)


def table_of(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def column_of(model: type[models.Model], name: str) -> str:
    column: str = getattr(model._meta.get_field(name), "column", name)
    return connection.ops.quote_name(column)


def column_names(table: str) -> list[str]:
    """The columns of a table, in their order.

    Of SQLite we ask ourselves: Django reads the whole statement that made the table,
    which takes a hundred times as long, and guards ask about each table of theirs.
    """
    if not is_postgresql():
        hidden = "SELECT name FROM pragma_table_xinfo(%s) WHERE hidden <> 1"
        return [name for (name,) in fetch(f"{hidden} ORDER BY cid", [table])]
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_description(cursor, table)
    return [column.name for column in found]


def unique_keys(table: str) -> set[tuple[str, ...]]:
    """The columns of each unique constraint, index and primary key of a table."""
    if not is_postgresql():
        return _sqlite_unique_keys(table)
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    return {
        tuple(facts["columns"])
        for facts in found.values()
        if (facts["unique"] or facts["primary_key"]) and facts["columns"]
    }


def _sqlite_unique_keys(table: str) -> set[tuple[str, ...]]:
    primary = fetch(
        "SELECT name FROM pragma_table_info(%s) WHERE pk > 0 ORDER BY cid", [table]
    )
    columns = fetch(
        "SELECT l.name, i.name FROM pragma_index_list(%s) l"
        " JOIN pragma_index_info(l.name) i"
        " WHERE l.\"unique\" AND l.origin <> 'pk' ORDER BY l.name, i.seqno",
        [table],
    )
    keys = {"": [name for (name,) in primary]}
    for index, name in columns:
        keys.setdefault(index, []).append(name)
    return {tuple(names) for names in keys.values() if names}
