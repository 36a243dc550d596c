"""Guards in the database that keep the consent history append-only.

PostgreSQL: one trigger that refuses UPDATE, DELETE and TRUNCATE, also when a session
switches ordinary triggers off (ENABLE ALWAYS). SQLite: triggers that refuse UPDATE,
DELETE, and an INSERT with an id or another unique key that exists, because REPLACE
deletes the old row without firing a delete trigger.

They are installed after every `migrate`, not by one migration: SQLite rebuilds a table
that a later migration alters, and drops its triggers without a word.
"""

from typing import Any

from django.db import connection, transaction

from . import bulk_sql
from .models import ConsentEvent

TABLE = ConsentEvent._meta.db_table
REFUSAL = "The consent history is append-only"

_SQLITE_NAMES = tuple(f"{TABLE}_no_{act}" for act in ("update", "delete", "replace"))
_SQLITE = {
    f"{TABLE}_no_update": f"""CREATE TRIGGER {TABLE}_no_update
BEFORE UPDATE ON {TABLE}
BEGIN SELECT RAISE(ABORT, '{REFUSAL}: UPDATE refused'); END""",
    f"{TABLE}_no_delete": f"""CREATE TRIGGER {TABLE}_no_delete
BEFORE DELETE ON {TABLE}
BEGIN SELECT RAISE(ABORT, '{REFUSAL}: DELETE refused'); END""",
}


def _sqlite_guards() -> dict[str, str]:
    """The triggers as they must be: the one against REPLACE knows every unique key.

    A later migration may add one, and REPLACE deletes whatever stands in its way.
    """
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, TABLE)
    keys = {("id",)} | {
        tuple(facts["columns"])
        for facts in found.values()
        if (facts["unique"] or facts["primary_key"]) and facts["columns"]
    }
    same = " OR ".join(
        "(" + " AND ".join(f'"{name}" = NEW."{name}"' for name in key) + ")"
        for key in sorted(keys)
    )
    name = f"{TABLE}_no_replace"
    return _SQLITE | {
        name: f"""CREATE TRIGGER {name}
BEFORE INSERT ON {TABLE} WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE {same})
BEGIN SELECT RAISE(ABORT, '{REFUSAL}: REPLACE refused'); END"""
    }


_PG_NAME = f"{TABLE}_append_only"
_PG_BODY = f"""
BEGIN
    RAISE EXCEPTION '{REFUSAL}: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END
"""
# tgtype: 2 before, 8 delete, 16 update, 32 truncate; a statement trigger lacks bit 1.
_PG_TYPE = 2 + 8 + 16 + 32


def install() -> None:
    """Put every guard in place; repeating it changes nothing."""
    with transaction.atomic():
        remove()
        _create()


def _create() -> None:
    if bulk_sql.is_postgresql():
        bulk_sql.execute(
            f"CREATE OR REPLACE FUNCTION {_PG_NAME}() RETURNS trigger"
            f" LANGUAGE plpgsql AS $guard${_PG_BODY}$guard$"
        )
        bulk_sql.execute(
            f"CREATE TRIGGER {_PG_NAME} BEFORE UPDATE OR DELETE OR TRUNCATE"
            f" ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION {_PG_NAME}()"
        )
        bulk_sql.execute(f"ALTER TABLE {TABLE} ENABLE ALWAYS TRIGGER {_PG_NAME}")
    else:
        for sql in _sqlite_guards().values():
            bulk_sql.execute(sql)


def remove() -> None:
    """Take the guards away: for tests that must empty the table, and for `install`."""
    if bulk_sql.is_postgresql():
        bulk_sql.execute(f"DROP TRIGGER IF EXISTS {_PG_NAME} ON {TABLE}")
    else:
        for name in _SQLITE_NAMES:
            bulk_sql.execute(f"DROP TRIGGER IF EXISTS {name}")


def missing() -> list[str]:
    """Names of guards that are absent, switched off or altered."""
    if bulk_sql.is_postgresql():
        rows = bulk_sql.fetch(
            "SELECT t.tgtype, t.tgenabled, p.prosrc FROM pg_trigger t"
            " JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE t.tgrelid = to_regclass(%s) AND t.tgname = %s"
            # Neither a WHEN condition nor a list of columns weakens it.
            " AND t.tgqual IS NULL AND cardinality(t.tgattr::int2[]) = 0",
            [TABLE, _PG_NAME],
        )
        return [] if rows == [(_PG_TYPE, "A", _PG_BODY)] else [_PG_NAME]
    rows = bulk_sql.fetch(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
        [TABLE],
    )
    found = dict(rows)
    return [name for name, sql in _sqlite_guards().items() if found.get(name) != sql]


def install_after_migrate(**kwargs: Any) -> None:
    """Listener of `post_migrate`: put back what a migration has dropped."""
    if kwargs.get("using", connection.alias) != connection.alias:
        return
    if TABLE in connection.introspection.table_names() and missing():
        install()
