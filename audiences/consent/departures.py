"""The guards of people and of suppressed addresses: neither goes without a trace.

Whoever could delete the row of an opted-out person, and import the person again, would
have undone the opt-out. So the database lets go of a profile only in the transaction
that wrote the event of its erasure (`audiences.privacy`), never empties the table, and
never gives the number of somebody who was erased to somebody else. Suppressed addresses
are never deleted: what is lifted stays, and says so.

Where the database lets a REPLACE or an UPDATE push another row out, it fires no trigger
of a deletion (SQLite): both are refused where they meet a row that is there.
"""

from dataclasses import dataclass

from audiences.changes import clock
from audiences.changes.watches import is_numbered
from audiences.models import ConsentEvent, Profile, Suppression

from . import guards

_EVENTS = ConsentEvent._meta.db_table


def _erased(whose: str) -> str:
    return f"SELECT 1 FROM {_EVENTS} WHERE profile_id = {whose} AND kind = 'erase'"


@dataclass(frozen=True)
class KeptGuard(guards.Guard):
    """Rows may be added and changed, and are never deleted."""

    # What the site may do where it does not own the table.
    privileges = "SELECT, INSERT, UPDATE"

    @property
    def _refuse(self) -> str:
        return (
            f"RAISE EXCEPTION '{self.refusal}: % refused', TG_OP"
            " USING ERRCODE = 'restrict_violation';\nEND\n"
        )

    @property
    def pg_triggers(self) -> dict[str, tuple[str, int, str]]:
        when = "DELETE OR TRUNCATE {} STATEMENT"
        return {
            f"{self.table}_kept": (when, 2 + 8 + 32, f"\nBEGIN\n    {self._refuse}")
        }

    @property
    def sqlite_names(self) -> list[str]:
        return [f"{self.table}_no_{act}" for act in ("delete", "replace", "push")]

    def sqlite_triggers(self) -> dict[str, str]:
        table, (delete, replace, push, *_more) = self.table, self.sqlite_names
        return {
            delete: self._sqlite(delete, "DELETE", self._sqlite_when_deleted()),
            replace: self._sqlite(replace, "INSERT", self._sqlite_when_inserted()),
            push: self._sqlite(
                push,
                "UPDATE",
                f"NEW.id IS NOT OLD.id OR EXISTS (SELECT 1 FROM {table}"
                f" WHERE id IS NOT OLD.id AND ({self._same()}))",
            ),
        }

    def _sqlite(self, name: str, act: str, when: str) -> str:
        return (
            f"CREATE TRIGGER {name}\nBEFORE {act} ON {self.table} WHEN {when}\n"
            f"BEGIN SELECT RAISE(ABORT, '{self.refusal}: {act} refused'); END"
        )

    def _sqlite_when_deleted(self) -> str:
        return "1"

    def _sqlite_when_inserted(self) -> str:
        return f"EXISTS (SELECT 1 FROM {self.table} WHERE {self._same()})"


@dataclass(frozen=True)
class ListGuard(KeptGuard):
    """What was lifted stands beside what came again: only one of them holds.

    A row may be lifted, once, and be written under another key; for which channel it
    holds, since when and what for is never altered.
    """

    _FIXED = ("channel", "reason", "since")

    @property
    def pg_triggers(self) -> dict[str, tuple[str, int, str]]:
        same = " AND ".join(f"NEW.{name} = OLD.{name}" for name in self._FIXED)
        return super().pg_triggers | {
            f"{self.table}_fixed": (
                "UPDATE {} ROW",
                1 + 2 + 16,
                f"\nBEGIN\n    IF {same}"
                " AND (NEW.digest = OLD.digest) = (NEW.key_id = OLD.key_id)"
                " AND (OLD.lifted_at IS NULL OR NEW.lifted_at = OLD.lifted_at)"
                f" THEN RETURN NEW; END IF;\n    {self._refuse}",
            )
        }

    @property
    def sqlite_names(self) -> list[str]:
        return [*super().sqlite_names, f"{self.table}_no_change"]

    def sqlite_triggers(self) -> dict[str, str]:
        name = f"{self.table}_no_change"
        other = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in self._FIXED)
        return super().sqlite_triggers() | {
            name: self._sqlite(
                name,
                "UPDATE",
                f"{other} OR (NEW.digest IS OLD.digest) <> (NEW.key_id IS OLD.key_id)"
                " OR (OLD.lifted_at IS NOT NULL"
                " AND NEW.lifted_at IS NOT OLD.lifted_at)",
            )
        }

    def _same(self) -> str:
        return (
            "id = NEW.id OR (digest = NEW.digest AND channel = NEW.channel"
            " AND lifted_at IS NULL AND NEW.lifted_at IS NULL)"
        )


@dataclass(frozen=True)
class PersonGuard(KeptGuard):
    """A profile goes in the transaction that says it is erased, and never returns."""

    privileges = "SELECT, INSERT, UPDATE, DELETE"

    def is_possible(self, tables: list[str]) -> bool:
        has_both = {self.table, _EVENTS} <= {*tables}
        return has_both and is_numbered(_EVENTS)

    @property
    def pg_triggers(self) -> dict[str, tuple[str, int, str]]:
        now = "transaction_id = pg_current_xact_id()::text::bigint"
        return {
            f"{self.table}_kept": (
                "TRUNCATE {} STATEMENT",
                2 + 32,
                f"\nBEGIN\n    {self._refuse}",
            ),
            f"{self.table}_erased": (
                "DELETE {} ROW",
                1 + 2 + 8,
                f"\nBEGIN\n    IF EXISTS ({_erased('OLD.id')} AND {now})"
                f" THEN RETURN OLD; END IF;\n    {self._refuse}",
            ),
            # All at once: asked row by row, an import of a million would notice.
            f"{self.table}_once": (
                f"AFTER INSERT ON {self.table} REFERENCING NEW TABLE AS added"
                " FOR EACH STATEMENT",
                4,
                f"\nBEGIN\n    IF NOT EXISTS (SELECT 1 FROM added JOIN {_EVENTS} e"
                " ON e.profile_id = added.id AND e.kind = 'erase')"
                f" THEN RETURN NULL; END IF;\n    {self._refuse}",
            ),
            f"{self.table}_numbered": (
                "UPDATE {} ROW",
                1 + 2 + 16,
                "\nBEGIN\n    IF NEW.id = OLD.id THEN RETURN NEW; END IF;\n"
                f"    {self._refuse}",
            ),
        }

    def sqlite_about_others(self) -> list[str]:
        return self.sqlite_names

    def _sqlite_when_deleted(self) -> str:
        now = f"transaction_id = {clock.READ}"
        return f"NOT EXISTS ({_erased('OLD.id')} AND {now})"

    def _sqlite_when_inserted(self) -> str:
        return f"{super()._sqlite_when_inserted()} OR EXISTS ({_erased('NEW.id')})"


PEOPLE = PersonGuard(Profile, "A person goes only by erasure (erase_profile)")
SUPPRESSIONS = ListGuard(Suppression, "Suppressed addresses are only lifted")
guards.register(PEOPLE, SUPPRESSIONS)
