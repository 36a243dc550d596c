"""Fixtures for all tests."""

import gc
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import pytest_django
from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from django.test import SimpleTestCase
from django.utils import translation

from audiences import organisation
from audiences.consent import guards
from audiences.sql import fetch, halves
from tests.benchmarks.databases import manage


def pytest_configure() -> None:
    """Passwords of tests protect nobody: a hash that is made to be slow only costs.

    And the addresses are found without DEBUG, as Django's own runner has it: a test that
    turns it on must not be the first to read them.
    """
    settings.DEBUG = False
    import_module(settings.ROOT_URLCONF)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@receiver(connection_created)
def _backwards(connection: BaseDatabaseWrapper, **facts: Any) -> None:
    """Rows that nobody ordered come in the reverse of their usual order: who relies on
    one is found here, and not on a busy day of PostgreSQL, which promises none."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA reverse_unordered_selects = ON")


# What a test must ask for to reach the database.
_DATABASE = {"db", "transactional_db", "live_server"}


def _place(item: pytest.Item) -> tuple[bool, bool]:
    """What takes long comes first, so that nothing long is left for one process alone.

    Tests that begin with nobody come before those of their file that share rows.
    """
    names = getattr(item, "fixturenames", ())
    marks = {mark.name for mark in item.iter_markers()}
    takes_long = marks & {"browser", "own_database"}
    return not takes_long, "what_a_file_shares" in names


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """The second database's half leaves out what asks no database for anything.

    And what a browser sees, and what is marked `one_database`: the first half has looked
    at it, and what is behind it is tested on both by other tests.
    """
    items.sort(key=_place)
    if not os.environ.get("ONLY_DATABASE_TESTS"):
        return
    kept, left_out = [], []
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        marks = {mark.name for mark in item.iter_markers()}
        asks = names & _DATABASE or marks & {"django_db", "own_database"}
        is_class = issubclass(getattr(item, "cls", None) or object, SimpleTestCase)
        once = marks & {"browser", "one_database"}
        is_kept = (asks or is_class) and not once
        (kept if is_kept else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def pytest_collection_finish() -> None:
    """Twelve thousand tests and their modules stay: the collector need not look again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


@pytest.fixture(autouse=True, scope="session")
def _flush_by_deleting() -> None:
    """PostgreSQL makes new files for a hundred tables that it truncates; most are empty.

    Without triggers and foreign keys meanwhile, as a truncation is.
    """
    if connection.vendor != "postgresql":
        return
    quote, truncate = connection.ops.quote_name, connection.ops.sql_flush

    def sql_flush(style: Any, tables: list[str], **kwargs: Any) -> list[str]:
        if fetch("SHOW is_superuser") != [("on",)]:
            return truncate(style, tables, **kwargs)
        deletions = [f"DELETE FROM {quote(table)}" for table in tables]
        return [
            "SET session_replication_role = replica",
            *deletions,
            "SET session_replication_role = DEFAULT",
        ]

    connection.ops.sql_flush = sql_flush


@pytest.fixture(autouse=True)
def _lift_history_guards_for_the_flush(
    request: pytest.FixtureRequest,
) -> Iterator[None]:
    """Transactional tests end with a flush, which the guards would refuse.

    `migrate`'s signal, sent after the flush, puts the guards back.
    """
    marker = request.node.get_closest_marker("django_db")
    named = {"transactional_db", "live_server"} & set(request.fixturenames)
    if not named and not (marker and marker.kwargs.get("transaction")):
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    guards.remove()


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None,
    django_db_blocker: pytest_django.DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path | None]:
    """Of a new SQLite database a copy is kept, before any test has been in it.

    None is made where no test of the run asks for the database.
    """
    yield _copied(django_db_blocker, tmp_path_factory)
    # Nobody is in a database that is dropped: no thread of a test that has ended either.
    gc.collect()
    with django_db_blocker.unblock():
        halves.close()


def _copied(
    django_db_blocker: pytest_django.DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path | None:
    if connection.vendor != "sqlite" or not connection.is_in_memory_db():
        return None
    path = tmp_path_factory.mktemp("new") / "campaign.sqlite3"
    with django_db_blocker.unblock(), closing(sqlite3.connect(path)) as copy:
        connection.ensure_connection()
        connection.connection.backup(copy)
    return path


@pytest.fixture(scope="session")
def migrated(django_db_setup: Path | None, tmp_path_factory: Any) -> Path:
    """An SQLite file as `migrate` leaves it, for processes that a test starts."""
    if django_db_setup:
        return django_db_setup
    path = Path(tmp_path_factory.mktemp("migrated")) / "campaign.sqlite3"
    manage(f"sqlite:///{path}", "migrate", "-v0")
    return path


@pytest.fixture(scope="module")
def what_a_file_shares(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker
) -> Iterator[None]:
    """Rows that a fixture makes once for its file; what each test does is taken back."""
    with django_db_blocker.unblock():
        assert not connection.in_atomic_block, "it must be there before the test begins"
        with transaction.atomic():
            yield
            transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _queue_in_memory() -> Iterator[None]:
    """Nothing that a test wakes is left in the queue on disk."""
    before = current_app.conf.broker_url
    current_app.conf.broker_url = "memory://localhost/"
    yield
    current_app.conf.broker_url = before


@pytest.fixture(autouse=True)
def _organisation_of_its_own() -> None:
    """Who sends in one test does not send in the next."""
    organisation.forget()


@pytest.fixture(autouse=True)
def _language_of_its_own() -> Iterator[None]:
    """The language of a page that a test asked for is not that of the next test."""
    yield
    translation.deactivate()
