"""Reading a delimited file as people really send them: records out, nothing lost.

Comma, semicolon or tab; UTF-8 with or without BOM, else Windows-1252. A broken record
is reported with its line and never swallows the lines after it. Memory does not grow
with the file.
"""

import codecs
import csv
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from audiences.refusals import Refused

from .cells import unescaped

DELIMITERS = ",;\t"
# A record over more lines than this is a quote that was never closed.
LONGEST_RECORD = 50
_BLOCK = 1 << 20


class UnreadableFile(Refused):
    """The file as a whole cannot be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one record, or why it is broken; `line` (from 1) is its first."""

    line: int
    cells: list[str]
    problem: str = ""


@dataclass(frozen=True)
class DelimitedFile:
    """A file with its header, ready to be read record by record."""

    path: Path
    encoding: str
    delimiter: str
    header: list[str]
    header_line: int

    @property
    def size(self) -> int:
        """Bytes, for a progress bar."""
        return self.path.stat().st_size

    def records(
        self, progress: Callable[[int], None] | None = None
    ) -> Iterator[Record]:
        """Every record below the header; blank lines are passed over.

        `progress` is told how many bytes have been read, now and then.
        """
        width = len(self.header)
        with self.path.open(encoding=self.encoding, newline="") as file:
            for record in _split(file, self.delimiter, width):
                if record.line <= self.header_line:
                    continue
                if progress and record.line % 1000 == 0:
                    progress(os.lseek(file.fileno(), 0, os.SEEK_CUR))
                yield record
        if progress:
            progress(self.size)


def open_file(path: Path) -> DelimitedFile:
    """Find out how the file is written; raises UnreadableFile."""
    try:
        encoding = _encoding(path)
        with path.open(encoding=encoding, newline="") as file:
            line, text = _first_line(file)
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error
    delimiter = max(DELIMITERS, key=_outside_quotes(text).count)
    try:
        header = next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UnreadableFile(f"{path}, line {line}: broken header: {error}") from error
    return DelimitedFile(path, encoding, delimiter, [c.strip() for c in header], line)


def read_lines(path: Path) -> list[str]:
    """The lines of a file that has no columns, as cells; raises UnreadableFile."""
    try:
        text = path.read_text(encoding=_encoding(path))
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error
    return [unescaped(line.strip()) for line in text.splitlines()]


def _first_line(file: Iterator[str]) -> tuple[int, str]:
    for number, text in enumerate(file, 1):
        # Excel may say in a line of its own what the delimiter is.
        if text.strip() and not re.fullmatch(r"sep=.\s*", text):
            return number, text
    raise UnreadableFile("The file is empty: its first line must name the columns.")


def _encoding(path: Path) -> str:
    """UTF-8 if every byte of the file fits, else Windows-1252."""
    with path.open("rb") as file:
        start = file.read(4)
        # Without a byte order mark UTF-16 shows by the zero byte of its first letter.
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (
            b"\x00" in start
        ):
            raise UnreadableFile(f"{path} is UTF-16. Save it as UTF-8 and try again.")
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            if start.startswith(codecs.BOM_UTF8):
                raise UnreadableFile(
                    f"{path} says that it is UTF-8, but {error.reason}. "
                    "Save it as UTF-8 again and retry."
                ) from error
            _require_windows_1252(path)
            return "cp1252"
    return "utf-8-sig"


def _require_windows_1252(path: Path) -> None:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode("cp1252")
            except UnicodeDecodeError as error:
                raise UnreadableFile(
                    f"{path}, line {number}: byte 0x{line[error.start]:02x} is neither "
                    "UTF-8 nor Windows-1252. Save the file as UTF-8 and try again."
                ) from error


def _outside_quotes(text: str) -> str:
    return "".join(text.split('"')[::2])


def _split(lines: Iterator[str], delimiter: str, width: int) -> Iterator[Record]:
    """Records of `width` cells, with the lines that cannot be read as one reported."""
    waiting: deque[str] = deque()
    number = 1

    def take() -> str | None:
        return waiting.popleft() if waiting else next(lines, None)

    while (text := take()) is not None:
        taken = [text]
        if not text.strip():
            number += 1
            continue
        cells, problem = _parse(taken, delimiter)
        # An open quote goes on in the next lines: postal addresses have line breaks.
        while problem == OPEN_QUOTE and len(taken) < LONGEST_RECORD:
            following = take()
            if following is None:
                break
            taken.append(following)
            cells, problem = _parse(taken, delimiter)
        if not problem:
            problem = _wrong_width(cells, width)
        if problem and len(taken) > 1:
            # Not a long record but a stray quote: only its own line is broken.
            waiting.extendleft(reversed(taken[1:]))
            del taken[1:]
            problem = OPEN_QUOTE
        yield Record(number, cells if not problem else [], problem)
        number += len(taken)


OPEN_QUOTE = "a quote is opened and not closed"


def _parse(taken: list[str], delimiter: str) -> tuple[list[str], str]:
    if len(taken) == 1 and '"' not in taken[0]:
        return taken[0].rstrip("\r\n").split(delimiter), ""
    try:
        return next(csv.reader(taken, delimiter=delimiter, strict=True)), ""
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return [], OPEN_QUOTE
        return [], f"broken quotes: {error}"


def _wrong_width(cells: list[str], width: int) -> str:
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        del cells[width:]
    if len(cells) != width:
        return f"it has {len(cells)} cells and the header has {width}"
    return ""
