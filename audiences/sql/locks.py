"""Locks on names: of a process, and of a transaction."""

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.db import OperationalError, connection, models, transaction

from audiences.refusals import Refused
from audiences.sql.statements import fetch, is_postgresql, table_of


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


def hold(name: str) -> None:
    """Let nobody else hold this name until the transaction ends; wait for it.

    For what has no row yet that could be locked. SQLite has one writer at a time.
    """
    if is_postgresql():
        fetch("SELECT 1 FROM pg_advisory_xact_lock(%s)", [number_of(name)])


def number_of(name: str) -> int:
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def lock_shared(model: type[models.Model], ids: Sequence[int]) -> set[int]:
    """Lock rows against those who write to them, until the transaction ends.

    Others may lock them so too. Returns the ids that could be locked at once: of one
    that somebody is writing to nobody knows what it will be. SQLite has one writer.
    """
    table = table_of(model)
    if not is_postgresql():
        marks = ", ".join(["%s"] * len(ids))
        rows = fetch(f"SELECT id FROM {table} WHERE id IN ({marks})", ids)  # noqa: S608
    else:
        rows = fetch(
            f"SELECT id FROM {table} WHERE id = ANY(%s) ORDER BY id"  # noqa: S608
            " FOR SHARE SKIP LOCKED",
            [[*ids]],
        )
    return {pk for (pk,) in rows}


# Whoever works alone keeps others waiting: for the lock so long at most,
PATIENCE = "30ms"
# and so long in all, even if the process is frozen or its machine gone: then the server
# ends the session.
LONGEST = "5s"
# 55P03: lock_not_available, 40P01: deadlock_detected.
_NOT_ALONE = ("55P03", "40P01")


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """A short transaction during which nobody shares the lock of this name.

    Those who share it (`pg_advisory_xact_lock_shared`, in a trigger) do so until they
    commit: so all that they wrote is committed and can be seen, or is not yet written.
    Raises Locked when somebody still shares it after 30 ms, or holds a row that is
    needed: nothing is done then, and the caller tries again later. SQLite has one
    writer at a time.

    The others wait for the commit too. It does not wait for the disk: what rests on it
    must be written by a later transaction, which cannot survive a crash without it.
    """
    try:
        with transaction.atomic():
            before = _begin_alone(number_of(name)) if is_postgresql() else {}
            yield
            if before:
                _set_locally(before)
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") in _NOT_ALONE:
            raise Locked(f"Others are still writing ({name}).") from error
        raise


def _begin_alone(number: int) -> dict[str, str]:
    """Take the lock, within limits; returns the settings of an outer transaction."""
    limits = {
        "lock_timeout": PATIENCE,
        "statement_timeout": LONGEST,
        "idle_in_transaction_session_timeout": LONGEST,
        "synchronous_commit": "off",
    }
    before = {}
    if len(connection.savepoint_ids) or len(connection.atomic_blocks) > 1:
        names = ", ".join(f"current_setting('{name}')" for name in limits)
        before = dict(zip(limits, fetch(f"SELECT {names}")[0], strict=True))
    _set_locally(limits)
    fetch("SELECT 1 FROM pg_advisory_xact_lock(%s)", [number])
    return before


def _set_locally(settings: dict[str, str]) -> None:
    calls = ", ".join(f"set_config('{name}', %s, true)" for name in settings)
    fetch(f"SELECT {calls}", list(settings.values()))


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
