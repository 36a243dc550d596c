"""migrate, which steps back for whoever uses the site, and tries again."""

import random
import time
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    OperationalError,
    connection,
)

from audiences.sql import execute, fetch, is_postgresql
from audiences.terminal import of_database

# PostgreSQL, appendix A: deadlock_detected and lock_not_available.
IN_USE = ("40P01", "55P03")
# Whoever waits for a lock has everybody behind it who wants the table after that.
LONGEST_WAIT = "2s"
# Seconds after which a table that was always in use is said to be.
PATIENCE = 300.0


class Command(migrate.Command):
    """Django's own, while the site serves.

    A migration that wants tables which a transaction holds is taken back after two
    seconds, so that opt-outs do not queue behind it. What is done stays done: it goes
    on from there.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        is_alone = connection.in_atomic_block or not is_postgresql()
        if is_alone or options.get("database", DEFAULT_DB_ALIAS) != DEFAULT_DB_ALIAS:
            super().handle(*args, **options)
            return
        try:
            self._handle_patiently(*args, **options)
        except (DatabaseError, InterfaceError) as error:
            if told := of_database(error):
                raise told from error
            raise
        finally:
            _begin_anew()

    def _handle_patiently(self, *args: Any, **options: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            execute(f"SET lock_timeout = '{LONGEST_WAIT}'")
            try:
                super().handle(*args, **options)
                return
            except OperationalError as error:
                if getattr(error.__cause__, "pgcode", "") not in IN_USE:
                    raise
                if time.monotonic() > deadline:
                    raise CommandError(_GIVEN_UP) from error
            self.stderr.write("The tables are in use: trying again.")
            _begin_anew()
            _remove_halves()
            time.sleep(random.uniform(0.2, 1.5))  # noqa: S311  (nothing secret)


_GIVEN_UP = (
    f"The tables were in use for {PATIENCE:.0f} seconds. What was migrated stays, and "
    "nothing is half done. Find out which transaction is open so long "
    "(pg_stat_activity), end it, and migrate again."
)


def _begin_anew() -> None:
    """A connection without what was set, and without the transaction that failed.

    Django leaves that one open where the last statements of a migration fail.
    """
    connection.close()
    connection.connect()


def _remove_halves() -> None:
    """Indexes that were being built while the table served, and are of no use so."""
    found = fetch(
        "SELECT i.indexrelid::regclass::text FROM pg_index i"
        " JOIN pg_class c ON c.oid = i.indrelid"
        " WHERE NOT i.indisvalid AND c.relnamespace = 'public'::regnamespace"
        " AND NOT EXISTS (SELECT 1 FROM pg_stat_progress_create_index p"
        " WHERE p.index_relid = i.indexrelid)"
    )
    for (name,) in found:
        execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
