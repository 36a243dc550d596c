"""Acts in sessions of their own, in an order that a test fixes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from django.db import connection, transaction

from audiences import sql

PATIENCE = 60


class Session(Thread):
    """An act on a connection of its own; it waits where it is told to."""

    def __init__(self, act: Callable[["Session"], Any]) -> None:
        super().__init__(daemon=True)
        self.act = act
        self.has_paused, self.may_go_on = Event(), Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.act(self)
        except BaseException as error:
            self.error = error
        finally:
            self.has_paused.set()
            connection.close()

    def pause(self) -> None:
        """Say that this point is reached, and wait until `finish` is called."""
        self.has_paused.set()
        assert self.may_go_on.wait(PATIENCE)

    def reach_pause(self) -> "Session":
        self.start()
        assert self.has_paused.wait(PATIENCE)
        return self

    def finish(self) -> None:
        """Let it go on to its end, if it has not ended."""
        self.may_go_on.set()
        self.join(PATIENCE)
        assert not self.is_alive()
        if self.error:
            raise self.error


def open_transaction(act: Callable[[], Any]) -> Session:
    """A transaction that has acted, and commits when it is told to."""

    def run(session: Session) -> None:
        with transaction.atomic():
            act()
            session.pause()

    return Session(run).reach_pause()


def wait_until_blocked() -> None:
    """Until another session waits for a lock that we hold."""
    for _ in range(12_000):
        if sql.fetch(
            "SELECT 1 FROM pg_locks WHERE NOT granted"
            " AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        ):
            return
        time.sleep(0.01)
    raise AssertionError("Nobody waits for us.")


@contextmanager
def before(statement: str | tuple[str, ...], act: Callable[[], Any]) -> Iterator[None]:
    """Do something right before this connection runs a statement that begins so."""

    def wrapper(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith(statement):
            act()
        return execute(sql, *arguments)

    with connection.execute_wrapper(wrapper):
        yield


@contextmanager
def after(statement: str, act: Callable[[], Any]) -> Iterator[None]:
    """Do something right after this connection has run a statement that begins so."""

    def wrapper(execute: Any, sql: str, *arguments: Any) -> Any:
        result = execute(sql, *arguments)
        if sql.startswith(statement):
            act()
        return result

    with connection.execute_wrapper(wrapper):
        yield
