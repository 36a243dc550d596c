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
_WAIT = 0.1


class _Reader(Generic[Item]):
    """A thread that reads chunks of `size`, one of them ahead."""

    def __init__(self, read: Callable[[], Iterator[Item]], size: int) -> None:
        self._read, self._size = read, size
        self._chunks: queue.Queue[list[Item] | BaseException] = queue.Queue(maxsize=1)
        self._is_over = threading.Event()
        # With the language and the time zone of the caller.
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._work,), daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            rows = self._read()
            while chunk := list(itertools.islice(rows, self._size)):
                self._put(chunk)
                if self._is_over.is_set():
                    return
            self._put([])
        except BaseException as error:
            self._put(error)

    def _put(self, chunk: list[Item] | BaseException) -> None:
        while not self._is_over.is_set():
            with contextlib.suppress(queue.Full):
                self._chunks.put(chunk, timeout=_WAIT)
                return

    def chunks(self) -> Iterator[list[Item]]:
        while chunk := self._chunks.get():
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk

    def stop(self) -> None:
        self._is_over.set()
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
