"""What commands print: tables, cells, a progress bar."""

import io
import sys
from typing import Any

from rich.progress import Progress


class ProgressBar:
    """A progress bar, updated with the amount done and the total."""

    def __init__(self, progress: Progress, task: Any) -> None:
        self._progress, self._task = progress, task

    def update(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total)


class Stream(io.TextIOBase):
    """Django's output wrapper adds line ends; tables and CSV bring their own."""

    def __init__(self, wrapper: Any) -> None:
        self._wrapper = wrapper

    def write(self, text: str) -> int:
        self._wrapper.write(text, ending="")
        return len(text)

    def flush(self) -> None:
        self._wrapper.flush()


def width() -> int | None:
    return None if sys.stdout.isatty() else 100


def cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
