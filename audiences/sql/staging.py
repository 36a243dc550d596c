"""Temporary tables: what several statements of one connection speak of."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from django.db.models import F, Lookup, Q

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
    model: type[models.Model],
    columns: Sequence[str],
    queryset: models.QuerySet[Any],
    *,
    is_kept: bool = False,
) -> int:
    """Fill the temporary table of an unmanaged model with the rows of a queryset.

    The table belongs to the connection and is empty after the transaction, unless it
    `is_kept`; what was staged before is forgotten. Returns the number of rows.
    """
    table = table_of(model)
    on_commit = " ON COMMIT DELETE ROWS" if is_postgresql() and not is_kept else ""
    execute(
        f"CREATE TEMP TABLE IF NOT EXISTS {table} ({_definition(model)}){on_commit}"
    )
    execute(f"DELETE FROM {table}")
    return insert_select(model, columns, queryset)


def index_staged(model: type[models.Model], *names: str) -> None:
    """Let staged rows be found by each of these fields."""
    for name in names:
        index = f"{model._meta.db_table}_{name}"
        execute(
            f"CREATE INDEX IF NOT EXISTS {_in_temp(index)}"
            f" ON {table_of(model)} ({column_of(model, name)})"
        )


def _in_temp(index: str) -> str:
    """SQLite wants to hear that an index is temporary, PostgreSQL refuses to."""
    quoted = connection.ops.quote_name(index)
    return quoted if is_postgresql() else f"temp.{quoted}"


def _definition(model: type[models.Model]) -> str:
    return ", ".join(
        f"{column_of(model, field.attname)} {field.db_type(connection)}"
        + (" PRIMARY KEY" if field.primary_key else "")
        for field in model._meta.local_concrete_fields
    )


class _AnyOf(Lookup[Any]):
    """`field = ANY (ARRAY (SELECT …))`: computed once, looked up one by one."""

    lookup_name = "any_of"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        field, field_params = self.process_lhs(compiler, connection)
        values, value_params = compiler.compile(self.rhs)
        return f"{field} = ANY (ARRAY {values})", [*field_params, *value_params]


def looked_up(name: str, values: models.QuerySet[Any, Any]) -> Q:
    """Rows whose field has one of these values, each looked up by index.

    For few values and a table of which the planner knows little, because its rows were
    just written: with `IN` it may read all of them. Needs an index that ends with the
    field.
    """
    if not is_postgresql():
        return Q(**{f"{name}__in": values})
    return Q(_AnyOf(F(name), models.Subquery(values)))
