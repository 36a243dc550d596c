"""The file of what an import rejected: one row for each problem."""

import contextlib
import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .cells import Problem, safe_cells

COLUMNS = ["row", "field", "reason", "outcome"]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was rejected, or a value without which it was imported.

    `restricted`: of a row that was rejected, what restricts was done all the same.
    """

    line: int
    problem: Problem
    outcome: Literal["rejected", "imported", "restricted"] = "rejected"


@contextlib.contextmanager
def writing(path: Path, line_end: str) -> Iterator[Callable[[Iterable[Reject]], None]]:
    """Write the file when there is something to write; replace an old one."""
    with contextlib.ExitStack() as stack:
        writer: Any = None

        def begin() -> Any:
            file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            made = csv.writer(file, lineterminator=line_end)
            made.writerow(COLUMNS)
            return made

        def write(rejects: Iterable[Reject]) -> None:
            nonlocal writer
            for reject in rejects:
                writer = writer or begin()
                problem = reject.problem
                cells = [reject.line, problem.field, str(problem.reason)]
                writer.writerow(safe_cells([*cells, reject.outcome]))

        yield write
        # An old file must not look like the result of this import.
        if writer is None and path.exists():
            begin()
