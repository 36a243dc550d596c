"""Rows that are written once, whoever else writes the same at this moment."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models

from audiences.sql.statements import column_of, fetch, table_of

# Values that every driver takes, and that need no field to prepare them.
_AS_THEY_ARE = {str, int, bool, type(None)}


def insert_new(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    key: Sequence[str],
) -> dict[tuple[Any, ...], int]:
    """Insert the rows that the database does not have yet, in one statement.

    `columns` are field attnames; what has a default of the database may be left out.
    Returns the id of each new row by its `key`, the columns of a unique constraint. Who
    inserts the same at this moment is waited for. Rows in the order of their key keep
    two callers from waiting for each other in a ring.
    """
    if connection.vendor == "sqlite":
        rows = _unknown(model, columns, rows, key)
    if not rows:
        return {}
    fields = [model._meta.get_field(name) for name in columns]
    values = [
        value
        if type(value) in _AS_THEY_ARE
        else field.get_db_prep_save(value, connection)  # type: ignore[union-attr]
        for row in rows
        for field, value in zip(fields, row, strict=True)
    ]
    names = ", ".join(column_of(model, name) for name in columns)
    returned = ", ".join(column_of(model, name) for name in ["id", *key])
    marks = f"({', '.join(['%s'] * len(columns))})"
    inserted = fetch(
        f"INSERT INTO {table_of(model)} ({names})"
        f" VALUES {', '.join([marks] * len(rows))}"
        f" ON CONFLICT DO NOTHING RETURNING {returned}",
        values,
    )
    return {tuple(found): pk for pk, *found in inserted}


def _unknown(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    key: Sequence[str],
) -> list[Sequence[Any]]:
    """The rows whose key no row has: SQLite's guards ask before a conflict is found.

    It has one writer at a time, so what is unknown stays so until the insert.
    """
    places = [columns.index(name) for name in key]
    given = {
        f"{name}__in": {row[place] for row in rows}
        for name, place in zip(key, places, strict=True)
    }
    known = set(model._default_manager.filter(**given).values_list(*key))
    return [row for row in rows if tuple(row[place] for place in places) not in known]
