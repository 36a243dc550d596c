"""A lock that many share as they write, and one holds alone for a moment."""

import contextlib
from collections.abc import Iterator

from django.db import OperationalError, connection, transaction

from audiences.sql.locks import Locked, number_of
from audiences.sql.statements import fetch, is_postgresql

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

    Those who share it (`share`, in triggers of what they write) do so until they
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


def share(name: str) -> str:
    """The call that shares a lock until the transaction ends, for a trigger."""
    return f"pg_advisory_xact_lock_shared({number_of(name)})"
