"""Triggers that protect the consent history and what it refers to.

`ConsentEvent` is append-only. So is `LandingPageVersion`, which events name, except
that the column of its page may be emptied when the page goes. Other apps register
their own.

PostgreSQL: triggers that refuse UPDATE, DELETE and TRUNCATE, also when a session
switches ordinary triggers off (ENABLE ALWAYS). SQLite: triggers that refuse UPDATE,
DELETE, and an INSERT with an id or another unique key that exists, because REPLACE
deletes the old row without firing a delete trigger.

They are installed after every `migrate`, not by one migration: SQLite rebuilds a table
that a later migration alters, and drops its triggers without a word. The triggers that
say when a row was written (`audiences.changes`) are kept in the same way.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction

from audiences.changes import Watch, watches
from audiences.changes.watches import is_numbered
from audiences.models import (
    Address,
    ConsentEvent,
    ContactWish,
    LandingPageVersion,
    Profile,
)
from audiences.registry import Registry
from audiences.sql import execute, fetch, is_postgresql, statements


@dataclass(frozen=True)
class Guard:
    """What protects one table; the columns in `may_be_emptied` may become null.

    `is_numbered`: SQLite numbers a row right after it was inserted, and then no more.
    """

    model: type[models.Model]
    refusal: str
    may_be_emptied: tuple[str, ...] = ()
    is_numbered: bool = False

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    def is_possible(self, tables: list[str]) -> bool:
        """Whether the database has what the triggers speak of."""
        if self.table not in tables:
            return False
        return not self.is_numbered or is_numbered(self.table)

    # ------------------------------------------------------------ PostgreSQL
    @property
    def pg_name(self) -> str:
        return f"{self.table}_append_only"

    @property
    def pg_triggers(self) -> dict[str, tuple[str, int, str]]:
        """Triggers by name: when they fire, their type in pg_trigger, their function.

        tgtype: 1 for each row, 2 before, 8 delete, 16 update, 32 truncate.
        """
        refuse = (
            f"\nBEGIN\n    RAISE EXCEPTION '{self.refusal}: % refused', TG_OP"
            " USING ERRCODE = 'restrict_violation';\nEND\n"
        )
        if not self.may_be_emptied:
            when = "UPDATE OR DELETE OR TRUNCATE"
            return {self.pg_name: (f"{when} {{}} STATEMENT", 2 + 8 + 16 + 32, refuse)}
        names = ", ".join(f"'{name}'" for name in self.may_be_emptied)
        emptied = " AND ".join(
            f"(NEW.{name} IS NULL OR NEW.{name} IS NOT DISTINCT FROM OLD.{name})"
            for name in self.may_be_emptied
        )
        only_emptied = (
            f"\nBEGIN\n    IF {emptied} AND to_jsonb(NEW) - ARRAY[{names}]"
            f" = to_jsonb(OLD) - ARRAY[{names}] THEN RETURN NEW; END IF;\n"
            f"    RAISE EXCEPTION '{self.refusal}: % refused', TG_OP"
            " USING ERRCODE = 'restrict_violation';\nEND\n"
        )
        return {
            self.pg_name: ("DELETE OR TRUNCATE {} STATEMENT", 2 + 8 + 32, refuse),
            f"{self.table}_frozen": ("UPDATE {} ROW", 1 + 2 + 16, only_emptied),
        }

    # ------------------------------------------------------------ SQLite
    @property
    def sqlite_names(self) -> list[str]:
        return [f"{self.table}_no_{act}" for act in ("update", "delete", "replace")]

    def sqlite_triggers(self) -> dict[str, str]:
        """The triggers as they must be, by name."""
        no_update, no_delete, no_replace = self.sqlite_names
        table = self.table
        return {
            no_update: f"""CREATE TRIGGER {no_update}
BEFORE UPDATE ON {table}{self._sqlite_when_changed()}
BEGIN SELECT RAISE(ABORT, '{self.refusal}: UPDATE refused'); END""",
            no_delete: f"""CREATE TRIGGER {no_delete}
BEFORE DELETE ON {table}
BEGIN SELECT RAISE(ABORT, '{self.refusal}: DELETE refused'); END""",
            no_replace: f"""CREATE TRIGGER {no_replace}
BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {self._same()})
BEGIN SELECT RAISE(ABORT, '{self.refusal}: REPLACE refused'); END""",
        }

    def sqlite_about_others(self) -> list[str]:
        """Its triggers that speak of another table than its own."""
        return []

    def _sqlite_when_changed(self) -> str:
        if self.is_numbered:
            changed = [
                f'NEW."{name}" IS NOT OLD."{name}"'
                for name in statements.column_names(self.table)
                if name not in ("transaction_id", "recorded_at")
            ]
            return f" WHEN OLD.transaction_id IS NOT NULL OR {' OR '.join(changed)}"
        if not self.may_be_emptied:
            return ""
        changed = [
            f'NEW."{name}" IS NOT OLD."{name}"'
            + (f' AND NEW."{name}" IS NOT NULL' if name in self.may_be_emptied else "")
            for name in statements.column_names(self.table)
        ]
        return f" WHEN {' OR '.join(changed)}"

    def _same(self) -> str:
        """Whether a row conflicts with a new one by any unique key.

        A later migration may add one, and REPLACE deletes any row in conflict.
        """
        keys = {("id",)} | statements.unique_keys(self.table)
        return " OR ".join(
            "(" + " AND ".join(f'"{name}" = NEW."{name}"' for name in key) + ")"
            for key in sorted(keys)
        )


HISTORY = Guard(ConsentEvent, "The consent history is append-only", is_numbered=True)
VERSIONS = Guard(
    LandingPageVersion,
    "Published versions are append-only",
    may_be_emptied=("page_id",),
)
GUARDS: Registry[str, "Guard | Watch"] = Registry("triggers of the table")
TABLE = HISTORY.table


def register(*guards: "Guard | Watch") -> None:
    """Guard or watch a table; other apps call it from their `AppConfig.ready`."""
    for guard in guards:
        GUARDS.add(f"{type(guard).__name__} {guard.table}", guard)


register(
    HISTORY,
    VERSIONS,
    Watch(ConsentEvent, is_dated=True),
    Watch(Address, ("INSERT", "UPDATE", "DELETE")),
    Watch(ContactWish, ("INSERT", "UPDATE", "DELETE")),
    Watch(Profile, ("DELETE",), person="id"),
)


def install() -> None:
    """Install every guard; repeating it changes nothing."""
    with transaction.atomic():
        watches.prepare()
        remove()
        for guard in _present():
            _create(guard)


def _create(guard: "Guard | Watch") -> None:
    if not is_postgresql():
        for sql in guard.sqlite_triggers().values():
            execute(sql)
        return
    for name, (when, _type, body) in guard.pg_triggers.items():
        execute(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger"
            f" LANGUAGE plpgsql AS $guard${body}$guard$"
        )
        fires = when.format(f"ON {guard.table} FOR EACH")
        before = "" if fires.startswith("AFTER") else "BEFORE "
        execute(f"CREATE TRIGGER {name} {before}{fires} EXECUTE FUNCTION {name}()")
        execute(f"ALTER TABLE {guard.table} ENABLE ALWAYS TRIGGER {name}")


def remove() -> None:
    """Remove all triggers: for tests that must empty tables, and for `install`."""
    tables = connection.introspection.table_names()
    for guard in [guard for guard in GUARDS.values() if guard.table in tables]:
        if is_postgresql():
            for name in guard.pg_triggers:
                execute(f"DROP TRIGGER IF EXISTS {name} ON {guard.table}")
        else:
            for name in guard.sqlite_names:
                execute(f"DROP TRIGGER IF EXISTS {name}")


def _present() -> list["Guard | Watch"]:
    """Those whose tables and columns exist; between migrations some may not."""
    tables = connection.introspection.table_names()
    return [guard for guard in GUARDS.values() if guard.is_possible(tables)]


def missing() -> list[str]:
    """Names of guards that are missing, disabled or altered."""
    return [name for guard in _present() for name in _missing_of(guard)]


def _missing_of(guard: "Guard | Watch") -> list[str]:
    if is_postgresql():
        rows = fetch(
            "SELECT t.tgname, t.tgtype, t.tgenabled, p.prosrc FROM pg_trigger t"
            " JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE t.tgrelid = to_regclass(%s) AND NOT t.tgisinternal"
            # Neither a WHEN condition nor a list of columns weakens it.
            " AND t.tgqual IS NULL AND cardinality(t.tgattr::int2[]) = 0",
            [guard.table],
        )
        held = {name: facts for name, *facts in rows}
        return [
            name
            for name, (_when, kind, body) in guard.pg_triggers.items()
            if held.get(name) != [kind, "A", body]
        ]
    rows = fetch(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
        [guard.table],
    )
    found = dict(rows)
    wanted = guard.sqlite_triggers()
    return [name for name, sql in wanted.items() if found.get(name) != sql]


def step_aside(**kwargs: Any) -> None:
    """Listener of `pre_migrate`: let SQLite rebuild the tables that guards name.

    It refuses to rename a table of which a trigger of another one speaks. They are put
    back after the migrations, as the others are.
    """
    is_ours = kwargs.get("using", connection.alias) == connection.alias
    if is_ours and kwargs.get("plan") and not is_postgresql():
        for guard in GUARDS.values():
            for name in guard.sqlite_about_others() if isinstance(guard, Guard) else ():
                execute(f"DROP TRIGGER IF EXISTS {name}")


def remove_before_migrate(**kwargs: Any) -> None:
    """Listener of `pre_migrate`: SQLite takes no column away that a trigger names."""
    plan = kwargs.get("plan") or []
    is_backward = any(backwards for _migration, backwards in plan)
    if is_backward and not is_postgresql():
        remove()


def install_after_migrate(**kwargs: Any) -> None:
    """Listener of `post_migrate`: restore what a migration has dropped."""
    if kwargs.get("using", connection.alias) != connection.alias:
        return
    if missing():
        install()
