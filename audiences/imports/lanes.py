"""Two lanes: while the database writes a chunk, the next one is planned and written.

Each lane is a thread with a connection and transactions of its own. Chunks are planned
in their order and committed in their order: all that overlaps is the writing of one
with the planning and writing of the next. So what was committed is always the beginning
of the file.
"""

import contextlib
import contextvars
import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Set
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
from typing import TypeVar

from django.db import connection

Item = TypeVar("Item")

# Seconds for which what is written, and its locks, wait for the chunk before.
PATIENCE = 20.0


class PlanAgain(Exception):
    """The chunk before is planned anew and may need what this one has locked."""


class Abandoned(Exception):
    """A chunk before failed, or nobody waits any more: this one is not written."""


class _State(Enum):
    """How far a chunk is; it never goes back."""

    PLANNING = 1
    PLANNED = 2
    # It is planned anew, and then written.
    AGAIN = 3
    DONE = 4
    FAILED = 5


class Turn:
    """The place of one chunk in the order of a file; alone, it is always its turn."""

    def __init__(self, before: "Turn | None" = None) -> None:
        self._before = before
        self._state = _State.PLANNING
        self._changed = threading.Condition()
        self._attempts = 0

    def begin(self) -> None:
        """The chunk is looked up and planned, for the first time or anew.

        Whoever both chunks mean is locked by the one before. Anew it waits for nobody:
        who has planned the next chunk lets go of its locks.
        """
        self._attempts += 1
        if self._attempts > 1:
            self._be(_State.AGAIN)
        elif self._before and self._before.reached(_State.PLANNED) is _State.AGAIN:
            self.wait_with_empty_hands()

    def planned(self) -> None:
        """Everybody is locked: the next chunk may be planned while this is written."""
        self._be(_State.PLANNED)

    def wait(self) -> None:
        """Wait for the chunk before, with all written. Raises PlanAgain.

        Not for long: the one before may wait for somebody who waits for a lock of ours,
        and no database sees such a circle.
        """
        self._be(_State.PLANNED)
        if self._before:
            reached = self._before.reached(_State.AGAIN, within=PATIENCE)
            if reached is not _State.DONE:
                raise PlanAgain
        self._before = None

    def wait_with_empty_hands(self) -> None:
        """Wait for the chunk before without a lock that it may need."""
        if self._before:
            self._before.reached(_State.DONE)
        self._before = None

    def committed(self) -> None:
        """The next chunk may be committed."""
        self._be(_State.DONE)

    def end(self, *, is_done: bool) -> None:
        self._be(_State.DONE if is_done else _State.FAILED)

    def reached(self, state: _State, within: float | None = None) -> _State:
        """Wait until the chunk is so far, or so many seconds have passed.

        Raises Abandoned when it never will be.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._state.value >= state.value, within)
            if self._state is _State.FAILED:
                raise Abandoned
            return self._state

    def _be(self, state: _State) -> None:
        with self._changed:
            if state.value > self._state.value:
                self._state = state
            self._changed.notify_all()


def in_lanes(
    chunks: Iterator[Item],
    write: Callable[[Item, Turn], None],
    names: Callable[[Item], Set[str]],
) -> None:
    """Write the chunks; one that shares names with the one before is planned after it.

    Raises what the first chunk that failed has raised; those after it are not written.
    What `chunks` raises is raised when those before are written.
    """
    running: deque[tuple[Turn, Future[None]]] = deque()
    with contextlib.ExitStack() as stack:
        lanes = [stack.enter_context(_lane()) for _number in range(2)]
        # Those that still wait for their turn when this is left give up.
        stack.callback(_give_up, running)
        before, named = None, frozenset[str]()

        def settle(most: int) -> None:
            while len(running) > most:
                running.popleft()[1].result()

        for number in itertools.count():
            settle(len(lanes) - 1)
            try:
                chunk = next(chunks, None)
            except Exception:
                settle(0)
                raise
            if chunk is None:
                settle(0)
                return
            turn, others, named = Turn(before), named, frozenset(names(chunk))
            run = contextvars.copy_context().run
            is_free = named.isdisjoint(others)
            work = lanes[number % 2].submit(run, _act, write, chunk, turn, is_free)
            running.append((turn, work))
            before = turn


def _give_up(running: Iterable[tuple[Turn, Future[None]]]) -> None:
    for turn, _work in running:
        turn.end(is_done=False)


def _act(
    write: Callable[[Item, Turn], None], chunk: Item, turn: Turn, is_free: bool
) -> None:
    is_done = False
    try:
        if not is_free:
            turn.wait_with_empty_hands()
        try:
            write(chunk, turn)
        except PlanAgain:
            turn.wait_with_empty_hands()
            write(chunk, turn)
        is_done = True
    finally:
        turn.end(is_done=is_done)


@contextlib.contextmanager
def _lane() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=1) as lane:
        try:
            yield lane
        finally:
            lane.submit(_close_connection)


def _close_connection() -> None:
    """That of this thread: `connection` is another one in each."""
    connection.close()
