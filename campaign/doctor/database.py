"""The database: who we are in it, whether it is ours, its clock, its room."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from audiences.consent import guards
from audiences.models import Profile
from audiences.sql import fetch, is_postgresql

from .findings import Finding, examination, fine, note, serious, warning

# Seconds by which clocks may differ before times in the history contradict each other.
CLOCK_DIFFERS = 2.0
# People above whom SQLite is not what a site in production should run on: a judgement.
# It has one writer, for whom everybody waits while many are imported or judged.
MOST_ON_SQLITE = 100_000


@examination("migrations", night="the-database-does-not-fit")
def migrations() -> Iterator[Finding]:
    """Whether this is a database of this release, or of a past that is not known."""
    executor = MigrationExecutor(connection)
    known, applied = (
        set(executor.loader.disk_migrations),
        executor.loader.applied_migrations,
    )
    ours = {label for label, _name in known}
    unknown = sorted(
        f"{label}.{name}"
        for label, name in set(applied) - known
        if label in ours and not _is_replaced(executor, (label, name))
    )
    if unknown:
        yield serious(
            "migrations",
            f"the database has {len(unknown)} migrations that this release does not "
            f"know: {', '.join(unknown[:5])}. It is of a newer release, or of another "
            "branch of the code",
            "Run the release that the database is of, or restore a backup of this one. "
            "Never migrate it from here.",
        )
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        yield serious(
            "migrations",
            f"{len(plan)} are missing, {plan[0][0]} first",
            "manage.py migrate",
        )
    if not unknown and not plan:
        yield fine("migrations", f"all {len(applied)} are applied")


def _is_replaced(executor: MigrationExecutor, key: tuple[str, str]) -> bool:
    """Whether a later migration stands for it (squashed migrations)."""
    return any(
        key in migration.replaces
        for migration in executor.loader.disk_migrations.values()
    )


@examination("guards", night="a-guard-is-missing")
def guarded() -> Iterator[Finding]:
    found = guards.missing()
    if found:
        yield serious(
            "guards",
            f"missing or altered: {', '.join(found)}",
            "manage.py migrate puts them back. Find out who removed them, and run "
            "verify_consent and verify_ledger.",
        )
    else:
        yield fine("guards", "the history is guarded")


@examination("database", night="the-database-does-not-answer")
def itself() -> Iterator[Finding]:
    if is_postgresql():
        yield from _role()
        yield from _keeping()
        yield from _connections()
        return
    yield from _sqlite()


def _role() -> Iterator[Finding]:
    name, is_superuser, version = fetch(
        "SELECT current_user, rolsuper, current_setting('server_version_num')::int"
        " FROM pg_roles WHERE rolname = current_user"
    )[0]
    if is_superuser and not settings.DEBUG:
        yield warning(
            "database role",
            f"{name} is a superuser of the server: it can do anything to every "
            "database on it",
            "Make two roles: docs/operations.md, Two database roles.",
        )
    if version < 140_000:
        yield warning(
            "database", f"PostgreSQL {version // 10_000} is old", "Use 14 or later."
        )
    else:
        yield fine("database", f"PostgreSQL {version // 10_000}, as {name}")


def _keeping() -> Iterator[Finding]:
    """Whether it takes anything in, and keeps what it has answered for."""
    is_replica, is_read_only, *kept = fetch(
        "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',"
        " current_setting('fsync'), current_setting('full_page_writes'),"
        " current_setting('synchronous_commit')"
    )[0]
    if is_replica or is_read_only:
        yield serious(
            "database",
            "it is a replica" if is_replica else "it is read-only",
            "Let DATABASE_URL name the server that takes writes; see "
            "default_transaction_read_only of the role and the database.",
        )
    names = ("fsync", "full_page_writes", "synchronous_commit")
    off = [name for name, value in zip(names, kept, strict=True) if value == "off"]
    if off:
        tell = warning if settings.DEBUG else serious
        yield tell(
            "database",
            f"{', '.join(off)} is off: an opt-out that was answered may be lost when "
            "the machine ends without a word",
            f"Set {' = on, '.join(off)} = on in postgresql.conf.",
        )


def _connections() -> Iterator[Finding]:
    """Whether all threads of this machine could have a connection at once."""
    most, kept, used = fetch(
        "SELECT current_setting('max_connections')::int,"
        " current_setting('superuser_reserved_connections')::int,"
        " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
    )[0]
    # Beside its threads, and of the web one with half of a question (`in_halves`).
    web = settings.WEB_PROCESSES * (settings.WEB_THREADS + 4)
    work = settings.WORKERS * (settings.WORKER_THREADS + 3 + settings.SEND_CONNECTIONS)
    if web + work > most - kept:
        yield serious(
            "connections",
            f"this machine may open {web + work} connections, and the server has "
            f"{most - kept}",
            "Lower WEB_PROCESSES, WEB_THREADS or WORKERS, or raise max_connections.",
        )
    else:
        yield fine(
            "connections", f"{used} of {most} used; {web + work} at most from here"
        )


def _sqlite() -> Iterator[Finding]:
    count = Profile.objects.count()
    if not settings.DEBUG and count > MOST_ON_SQLITE:
        yield warning(
            "database",
            f"SQLite with {count:,} people: one writer at a time, so opt-outs wait "
            "while a delivery is sent",
            "Move to PostgreSQL: docs/operations.md, SQLite in production.",
        )
    else:
        yield fine("database", f"SQLite with {count:,} people")
    if settings.WORKERS > 1:
        yield warning(
            "database",
            f"{settings.WORKERS} workers on SQLite wait for each other",
            "WORKERS=1",
        )
    file = str(connection.settings_dict["NAME"])
    for place in (os.path.dirname(file) or ".", file):
        if os.path.exists(place) and not os.access(place, os.W_OK):
            yield serious(
                "database", f"{place} cannot be written", "Give it to the site's user."
            )


@examination("clock", night="the-clocks-differ")
def clock() -> Iterator[Finding]:
    """This machine's clock against the database's."""
    if not is_postgresql():
        yield note("clock", "SQLite has this machine's clock")
        return
    before = datetime.now(UTC)
    theirs: datetime = fetch("SELECT clock_timestamp()")[0][0]
    ours = before + (datetime.now(UTC) - before) / 2
    differs = abs((timezone.localtime(theirs) - ours).total_seconds())
    if differs > CLOCK_DIFFERS:
        yield serious(
            "clock",
            f"this machine and the database differ by {differs:.1f} seconds: the "
            "history would contradict itself",
            "Let both keep time by NTP.",
        )
    else:
        yield fine("clock", f"{differs * 1000:.0f} ms from the database's")
