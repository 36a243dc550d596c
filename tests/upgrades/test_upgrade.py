"""A database of the last release comes to this one, whole, and so does a half-done one."""

import gzip
import os
import re
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event, Thread
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from django.db import connection, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField, CreateModel

from .dump import DATA, manage

RELEASED = set((DATA / "migrations.txt").read_text().split())
OURS = ("audiences", "delivery")
# What cannot be taken back, and why it need not be.
ONE_WAY: dict[str, str] = {}
# Tables of so few rows that an index of them is built before anybody waits.
SMALL = {"audiences_organisation", "audiences_bulkact"}
# New columns that the release before cannot leave out when it inserts a row, and why that
# is borne for the minutes until it is replaced.
NOT_INSERTED = {
    "audiences.0050_organisation_brand": "one row, which is there since its installation",
}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database as the last release left it, of the kind under test."""
    if connection.vendor == "sqlite":
        file = tmp_path_factory.mktemp("old") / "old.sqlite3"
        file.write_bytes(_kept("sqlite3"))
        yield f"sqlite:///{file}"
        return
    server = os.environ["DATABASE_URL"]
    name = f"old_{uuid.uuid4().hex[:8]}"
    _administer(server, f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    words = ["psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--output", os.devnull, url]
    subprocess.run(words, input=_kept("postgresql.sql"), check=True)
    yield url
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _kept(name: str) -> bytes:
    return gzip.decompress((DATA / f"{name}.gz").read_bytes())


def _administer(server: str, sql: str) -> None:
    with closing(psycopg2.connect(server)) as made:
        made.autocommit = True
        made.cursor().execute(sql)


@pytest.mark.own_database
def test_the_last_release_comes_to_this_one_with_its_data(old: str) -> None:
    proofs = ("verify_consent", "verify_quarantine", "verify_ledger")
    with _somebody_at_work(old) as gave_way:
        before, *migrated, opted_in, opted_out, suppressed = manage(
            old,
            "doctor --no-network",
            *("migrate -v 0", *proofs),
            "show_profile ext:p3 --json",
            "show_profile ext:p4 --json",
            "suppressed gone@old.example --channel email",
        )
    assert gave_way.is_set() or not old.startswith("postgres")
    assert "of a newer release" not in before[1]
    assert [code for code, _said in migrated] == [0, 0, 0, 0], migrated
    assert '"no_longer_contact_email": false' in opted_in[1]
    assert '"no_longer_contact": true' in opted_out[1]
    assert suppressed[0] == 0


@contextmanager
def _somebody_at_work(url: str) -> Iterator[Event]:
    """Somebody is at work on people until the migration has waited, and given way."""
    gave_way, over = Event(), Event()
    if not url.startswith("postgres"):
        yield gave_way
        return
    waiting = (
        "SELECT COUNT(*) FROM pg_locks"
        " WHERE NOT granted AND relation = 'audiences_profile'::regclass"
    )

    def work() -> None:
        with closing(psycopg2.connect(url)) as made, made.cursor() as cursor:
            cursor.execute("UPDATE audiences_profile SET first_name = first_name")
            has_waited = False
            while not over.wait(0.1):
                cursor.execute(waiting)
                ((count,),) = cursor.fetchall()
                if has_waited and not count:
                    gave_way.set()
                    break
                has_waited = has_waited or bool(count)
            made.rollback()

    worker = Thread(target=work)
    worker.start()
    yield gave_way
    over.set()
    worker.join()


@pytest.mark.own_database
def test_a_database_of_a_release_that_nobody_knows_is_named(old: str) -> None:
    sql = (
        "INSERT INTO django_migrations (app, name, applied)"
        " VALUES ('audiences', '9999_of_tomorrow', '2031-01-01 00:00:00')"
    )
    if old.startswith("sqlite"):
        with closing(sqlite3.connect(old.removeprefix("sqlite:///"))) as made:
            made.execute(sql)
            made.commit()
    else:
        _administer(old, sql)
    ((code, said),) = manage(old, "doctor --no-network")
    assert code == 1
    assert "audiences.9999_of_tomorrow" in said
    assert "Never migrate it from here" in said


# ------------------------------------------------------------------ new migrations
def new_migrations() -> list[tuple[str, str]]:
    """Those that the last release has not."""
    loader = MigrationLoader(None)
    return [
        key
        for key in sorted(loader.disk_migrations)
        if key[0] in OURS and ".".join(key) not in RELEASED
    ]


def test_the_list_of_the_release_is_of_these_apps() -> None:
    assert len([name for name in RELEASED if name.startswith(OURS)]) > 40


@pytest.mark.parametrize("key", new_migrations(), ids=".".join)
def test_a_new_migration_can_be_taken_back_or_says_why_not(
    key: tuple[str, str],
) -> None:
    migration = MigrationLoader(None).disk_migrations[key]
    stuck = [op.describe() for op in migration.operations if not op.reversible]
    assert not stuck or ".".join(key) in ONE_WAY, stuck


# Statements that hold up readers or writers of a table that is in use, or that break the
# release before this one, which still runs while they are made.
# Longer texts: PostgreSQL changes nothing but its catalogue.
LONGER = re.compile(
    r'ALTER TABLE "delivery_delivery" ALTER COLUMN "columns" TYPE varchar'
)
LOCKS = re.compile(
    r"DROP COLUMN|DROP TABLE|RENAME (?:COLUMN|TO)|ALTER COLUMN \S+ (?:TYPE|SET NOT NULL)"
    r"|ADD COLUMN (?![^,;]*DEFAULT)[^,;]*NOT NULL"
    # Every row is looked at while nobody may write.
    r"|ADD CONSTRAINT (?!.*NOT VALID)(?!.*USING INDEX)",
    re.IGNORECASE,
)


@pytest.mark.django_db
@pytest.mark.parametrize("key", new_migrations(), ids=".".join)
def test_a_new_migration_runs_while_the_site_serves(key: tuple[str, str]) -> None:
    """No column goes or changes under the release that still serves, and no index is
    built under a lock on a table that has rows."""
    if connection.vendor != "postgresql":
        pytest.skip("the locks are PostgreSQL's")
    loader = MigrationExecutor(connection).loader
    with connection.schema_editor(collect_sql=True) as editor:
        state = loader.project_state(key, at_end=False)
        migration = loader.disk_migrations[key]
        migration.apply(state.clone(), editor, collect_sql=True)
    made = set(re.findall(r'CREATE TABLE "(\w+)"', "\n".join(editor.collected_sql)))
    for sql in editor.collected_sql:
        named = re.search(r'(?:ALTER TABLE|ON) (?:ONLY )?"(\w+)"', sql)
        if named and named[1] in made:
            continue
        assert LONGER.match(sql) or not LOCKS.search(sql), sql
        is_index = sql.startswith(("CREATE INDEX", "CREATE UNIQUE INDEX"))
        is_small = bool(named and named[1] in SMALL)
        assert not is_index or is_small or " CONCURRENTLY " in sql, sql


def test_new_tables_have_defaults_that_the_release_before_can_live_with() -> None:
    """What an old process writes while a new column is there already."""
    for key in new_migrations():
        if ".".join(key) in NOT_INSERTED:
            continue
        operations = MigrationLoader(None).disk_migrations[key].operations
        new = {op.name_lower for op in operations if isinstance(op, CreateModel)}
        for operation in operations:
            if not isinstance(operation, AddField):
                continue
            if operation.model_name_lower in new:
                continue
            field = operation.field
            has_default = (
                field.null
                or field.db_default is not models.NOT_PROVIDED
                or field.many_to_many
            )
            assert has_default, (key, operation.describe())
