"""Locks on rows, always taken in an order that all writers share."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from django.db.models.functions import Collate

from audiences.sql.statements import column_of, execute, fetch, is_postgresql, table_of


def insert_or_lock(
    model: type[models.Model], rows: Sequence[Any], unique: Sequence[str]
) -> None:
    """Lock the rows with these unique fields, one after another, until the end.

    Those that do not exist are inserted in their place, so that a writer which needs
    some old and some new rows still takes all of them in the order given. SQLite has
    one writer at a time.
    """
    if not is_postgresql():
        model._default_manager.bulk_create(rows, ignore_conflicts=True)
        return
    if not rows:
        return
    fields = [f for f in model._meta.local_concrete_fields if not f.primary_key]
    names = ", ".join(column_of(model, field.name) for field in fields)
    marks = f"({', '.join(['%s'] * len(fields))})"
    key = [column_of(model, name) for name in unique]
    # Rows that are there already are locked, and left as they are (WHERE false).
    execute(
        f"INSERT INTO {table_of(model)} ({names})"
        f" VALUES {', '.join([marks] * len(rows))}"
        f" ON CONFLICT ({', '.join(key)})"
        f" DO UPDATE SET {key[0]} = excluded.{key[0]} WHERE false",
        [
            field.get_db_prep_save(getattr(row, field.attname), connection)
            for row in rows
            for field in fields
        ],
    )


def lock_in_order(rows: models.QuerySet[Any], *names: str) -> list[Any]:
    """Lock the rows of a queryset in the order of these fields; returns them.

    Texts are ordered by their bytes, as Python orders them, whatever the language of
    the database: every writer takes the same rows in the same order.
    """
    locked = rows.select_for_update(of=("self",))
    if not is_postgresql():
        return list(locked.order_by(*names))
    fields = {name: rows.model._meta.get_field(name) for name in names}
    return list(
        locked.order_by(
            *(
                Collate(name, "C") if isinstance(field, models.CharField) else name
                for name, field in fields.items()
            )
        )
    )


def lock_shared(
    model: type[models.Model], ids: Sequence[int], *, waits: bool = False
) -> set[int]:
    """Lock rows against those who write to them, until the transaction ends.

    Others may lock them so too. Returns the ids that could be locked at once: of one
    that somebody is writing to nobody knows what it will be. Who `waits` gets all that
    are there when the others are done. SQLite has one writer.
    """
    table = table_of(model)
    if not is_postgresql():
        marks = ", ".join(["%s"] * len(ids))
        rows = fetch(f"SELECT id FROM {table} WHERE id IN ({marks})", ids)
    else:
        rows = fetch(
            f"SELECT id FROM {table} WHERE id = ANY(%s) ORDER BY id"
            f" FOR SHARE {'' if waits else 'SKIP LOCKED'}",
            [[*ids]],
        )
    return {pk for (pk,) in rows}
