"""Temporary tables: ids and rows that later statements of a transaction share."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models

from audiences.models import StagedProfile
from audiences.sql.statements import (
    column_of,
    execute,
    insert_select,
    is_postgresql,
    table_of,
)


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
