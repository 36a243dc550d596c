"""What the database says about its own tables."""

from django.db import connection


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
