"""Read the next rows of a file while the database writes the ones before.

The database works in a process of its own; meanwhile the reader needs Python alone.
"""

import contextlib
import contextvars
import itertools
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class _Reader(Generic[Item]):
    """A thread that reads a chunk of `size` once the one before it is taken."""

    def __init__(self, read: Callable[[], Iterator[Item]], size: int) -> None:
        self._read, self._size = read, size
        self._chunks: queue.SimpleQueue[list[Item] | BaseException]
        self._chunks = queue.SimpleQueue()
        # Chunks weigh: only one waits.
        self._room = threading.Semaphore(1)
        self._is_over = False
        # With the language and the time zone of the caller.
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._work,), daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            rows = self._read()
            while self._room.acquire() and not self._is_over:
                chunk = list(itertools.islice(rows, self._size))
                self._chunks.put(chunk)
                if not chunk:
                    return
        except BaseException as error:
            self._chunks.put(error)

    def chunks(self) -> Iterator[list[Item]]:
        while chunk := self._chunks.get():
            self._room.release()
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk
            del chunk

    def stop(self) -> None:
        self._is_over = True
        self._room.release()
        self._thread.join()


@contextlib.contextmanager
def reading_ahead(
    read: Callable[[], Iterator[Item]], size: int
) -> Iterator[Iterator[list[Item]]]:
    """Chunks of `size` of what `read` gives, one of them read ahead.

    What `read` raises is raised where the chunk would have come.
    """
    reader = _Reader(read, size)
    try:
        yield reader.chunks()
    finally:
        reader.stop()
