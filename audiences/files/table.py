"""A file with a header and records below it, whatever it is written in."""

import abc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from audiences.refusals import Refused, Sentence

from . import cleaning

Progress = Callable[[int], None]
# The byte order mark of UTF-8, read as Windows-1252.
_MISREAD_MARK = "ï»¿"


class UnreadableFile(Refused):
    """The file as a whole cannot be read; the message says what to do.

    `text` is English, marked with gettext_noop, and said in the reader's language.
    """

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(Sentence(text, values))


class Record(NamedTuple):
    """The cells of one record, or why it is broken; `line` (from 1) is its first.

    A `remark` is about a record that could be read all the same.
    """

    line: int
    cells: list[str]
    problem: Sentence | str = ""
    remark: Sentence | str = ""


@dataclass(frozen=True, kw_only=True)
class TableFile(abc.ABC):
    """A file with its header, ready to be read record by record.

    `notes` say what was found out about the file as a whole.
    """

    path: Path
    encoding: str
    delimiter: str
    header: list[str]
    header_line: int
    notes: tuple[Sentence, ...] = field(default=())

    @property
    def size(self) -> int:
        """Bytes, for a progress bar."""
        return self.path.stat().st_size

    @abc.abstractmethod
    def records(self, progress: Progress | None = None) -> Iterator[Record]:
        """Every record below the header; blank lines are passed over.

        `progress` is told how many bytes have been read, now and then.
        """


def read_heading(cell: str) -> str:
    """The heading as one line, without marks and invisible characters."""
    return " ".join(cleaning.visible(cell.removeprefix(_MISREAD_MARK)).split())
