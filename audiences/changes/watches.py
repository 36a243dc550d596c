"""The triggers that number what is written, and let a look end before the next write.

A watched table has three duties, and the database does them itself, so that no writer
can forget them, plain SQL included:

- Its writers share a lock (`LOCK`) until they commit. Whoever holds it alone for a
  moment (`sql.alone`) knows that nothing is half written, and that nothing will be
  committed before he is done.
- Each new or changed row gets the number of its transaction (`transaction_id`).
- A row that goes leaves the number of its profile (`Departure`): nothing else would
  tell that somebody has one address less.

They are installed, checked and repaired like the guards of the history
(`audiences.consent.guards`), with which they share their form.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import models
from django.utils import timezone

from audiences import sql
from audiences.changes import clock
from audiences.models import Departure
from audiences.sql import shared_locks, statements

LOCK = "changes"
# A run that was stopped is not resumed after a day.
KEPT = timedelta(days=2)
_SQLITE_NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
_ROW, _BEFORE, _INSERT, _DELETE, _UPDATE = 1, 2, 4, 8, 16
_TYPES = {"INSERT": _INSERT, "UPDATE": _UPDATE, "DELETE": _DELETE}


@dataclass(frozen=True)
class Watch:
    """A table of which it matters when it was written.

    `acts` are what can happen to its rows. `person` is the column that says whose a
    row is, where rows may go. If it `is_dated`, the database also notes when a row is
    written (`recorded_at`), whatever its writer says.
    """

    model: type[models.Model]
    acts: tuple[str, ...] = ("INSERT",)
    person: str = "profile_id"
    is_dated: bool = False

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    def is_possible(self, tables: list[str]) -> bool:
        """Whether the database has what the triggers speak of."""
        if not {self.table, Departure._meta.db_table} <= {*tables}:
            return False
        if self.is_dated and "recorded_at" not in statements.column_names(self.table):
            return False
        return not self._stamping or is_numbered(self.table)

    @property
    def _stamping(self) -> list[str]:
        return [act for act in self.acts if act != "DELETE"]

    # ------------------------------------------------------------ PostgreSQL
    @property
    def pg_triggers(self) -> dict[str, tuple[str, int, str]]:
        """Triggers by name: when they fire, their type in pg_trigger, their body."""
        call = shared_locks.share(LOCK)
        share = f"\nBEGIN\n    PERFORM {call};\n    RETURN NULL;\nEND\n"
        found = {f"{self.table}_shares": self._pg(self.acts, "STATEMENT", share)}
        if self._stamping:
            stamp = (
                "\nBEGIN\n"
                "    NEW.transaction_id := pg_current_xact_id()::text::bigint;\n"
                + ("    NEW.recorded_at := clock_timestamp();\n" * self.is_dated)
                + f"{self._pg_moved}    RETURN NEW;\nEND\n"
            )
            found[f"{self.table}_stamped"] = self._pg(self._stamping, "ROW", stamp)
        if "DELETE" in self.acts:
            leave = f"\nBEGIN\n    {self._pg_departure}    RETURN OLD;\nEND\n"
            found[f"{self.table}_departed"] = self._pg(["DELETE"], "ROW", leave)
        return found

    @staticmethod
    def _pg(
        acts: "tuple[str, ...] | list[str]", each: str, body: str
    ) -> tuple[str, int, str]:
        kind = _BEFORE + sum(_TYPES[act] for act in acts)
        kind += _ROW if each == "ROW" else 0
        return f"{' OR '.join(acts)} {{}} {each}", kind, body

    @property
    def _pg_departure(self) -> str:
        return (
            f"INSERT INTO {Departure._meta.db_table} (profile_id, transaction_id)\n"
            f"        VALUES (OLD.{self.person}, pg_current_xact_id()::text::bigint);\n"
        )

    @property
    def _pg_moved(self) -> str:
        """A row that is given to somebody else is gone for the one who had it."""
        if "UPDATE" not in self.acts:
            return ""
        return (
            f"    IF TG_OP = 'UPDATE' AND OLD.{self.person} <> NEW.{self.person} THEN\n"
            f"        {self._pg_departure}    END IF;\n"
        )

    # ------------------------------------------------------------ SQLite
    @property
    def sqlite_names(self) -> list[str]:
        return list(self.sqlite_triggers())

    def sqlite_triggers(self) -> dict[str, str]:
        """The triggers as they must be, by name; one writer needs no lock."""
        found = {}
        dated = f", recorded_at = {_SQLITE_NOW}" if self.is_dated else ""
        given = " OR NEW.recorded_at IS NOT NULL" if self.is_dated else ""
        for act in self._stamping:
            name = f"{self.table}_stamped_{act.lower()}"
            # `IS NOT` ends it, should a database let triggers call themselves.
            found[name] = (
                f"CREATE TRIGGER {name}\nAFTER {act} ON {self.table}"
                f" WHEN NEW.transaction_id IS NOT {clock.READ}{given}\n"
                f"BEGIN UPDATE {self.table} SET transaction_id = {clock.READ}{dated}"
                " WHERE id = NEW.id; END"
            )
        departures = {
            "DELETE": "",
            "UPDATE": f" WHEN OLD.{self.person} <> NEW.{self.person}",
        }
        for act, when in departures.items():
            if act in self.acts:
                name = f"{self.table}_departed_{act.lower()}"
                found[name] = (
                    f"CREATE TRIGGER {name}\nAFTER {act} ON {self.table}{when}\n"
                    f"BEGIN INSERT INTO {Departure._meta.db_table}"
                    " (profile_id, transaction_id, at)"
                    f" VALUES (OLD.{self.person}, {clock.READ}, CURRENT_TIMESTAMP); END"
                )
        return found


def is_numbered(table: str) -> bool:
    """Whether the rows of a table have the number of their transaction."""
    return "transaction_id" in statements.column_names(table)


def prepare() -> None:
    """Make SQLite's clock, which the triggers read."""
    if not sql.is_postgresql():
        sql.execute(f"CREATE TABLE IF NOT EXISTS {clock.TABLE} (now INTEGER NOT NULL)")
        sql.execute(
            f"INSERT INTO {clock.TABLE} SELECT 1"
            f" WHERE NOT EXISTS (SELECT 1 FROM {clock.TABLE})"
        )


def forget_departures() -> None:
    """Delete departures that no run can ask for any more."""
    Departure.objects.filter(at__lt=timezone.now() - KEPT).delete()
