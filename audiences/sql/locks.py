"""Locks on names: of a process, and of a transaction."""

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.db import connection

from audiences.refusals import Refused
from audiences.sql.statements import fetch, is_postgresql


class Locked(Refused):
    """Another process holds the lock."""


@contextlib.contextmanager
def process_lock(name: str) -> Iterator[None]:
    """Hold a lock that dies with this process; raises Locked when it is taken.

    PostgreSQL: an advisory lock of the session, valid on every machine. SQLite: a file
    lock beside the database, since SQLite is used on one machine only.
    """
    with _advisory_lock(name) if is_postgresql() else _file_lock(name):
        yield


def hold(*names: str) -> None:
    """Let nobody else hold these names until the transaction ends; wait for them.

    For what has no row yet that could be locked; several in a fixed order. SQLite has
    one writer at a time.
    """
    if is_postgresql() and names:
        numbers = [number_of(name) for name in sorted(set(names))]
        fetch(
            "SELECT count(pg_advisory_xact_lock(number))"
            " FROM unnest(%s::bigint[]) AS names(number)",
            [numbers],
        )


def number_of(name: str) -> int:
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


@contextlib.contextmanager
def _advisory_lock(name: str) -> Iterator[None]:
    number = number_of(name)
    if not fetch("SELECT pg_try_advisory_lock(%s)", [number])[0][0]:
        raise Locked(f"Another process is busy with this ({name}). Try again later.")
    try:
        yield
    finally:
        # A lost connection has lost the lock with it.
        if connection.connection is not None and not connection.connection.closed:
            with contextlib.suppress(Exception):
                fetch("SELECT pg_advisory_unlock(%s)", [number])


@contextlib.contextmanager
def _file_lock(name: str) -> Iterator[None]:
    database = str(connection.settings_dict["NAME"])
    in_memory = ":memory:" in database or "mode=memory" in database
    beside = Path(tempfile.gettempdir()) if in_memory else Path(database).parent
    # Nobody but this process sees a database in memory.
    stem = f"campaign-{os.getpid()}" if in_memory else Path(database).name
    with (beside / f"{stem}-{name.replace(':', '-')}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Locked(
                f"Another process is busy with this ({name}). Try again later."
            ) from error
        yield
