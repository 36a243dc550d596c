"""The file of what an import rejected: one row for each problem."""

import contextlib
import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .cells import Problem, safe_cells


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Callable[[int, Problem, str], None]]:
    """Write the file when there is something to write; replace an old one.

    What is yielded takes the row's line, the problem, and what became of the row.
    """
    with contextlib.ExitStack() as stack:
        writer: Any = None

        def begin() -> Any:
            file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            made = csv.writer(file)
            made.writerow(["row", "field", "reason", "outcome"])
            return made

        def on_reject(line: int, problem: Problem, outcome: str) -> None:
            nonlocal writer
            writer = writer or begin()
            cells = [line, problem.field, problem.reason, outcome]
            writer.writerow(safe_cells(cells))

        yield on_reject
        # An old file must not look like the result of this import.
        if writer is None and path.exists():
            begin()
