"""Reading a delimited file as people really send them: records out, nothing lost.

Comma, semicolon, tab or |. A broken record is reported with its line and never swallows
the lines after it. Memory does not grow with the file.
"""

import csv
import functools
import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from django.utils.translation import gettext_noop as _

from audiences.refusals import Sentence

from .encodings import Decoding, find_decoding
from .table import Progress, Record, TableFile, UnreadableFile, read_heading

DELIMITERS = ",;\t|"
# Excel may say in a line of its own what the delimiter is.
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
# A record of more characters than this is a quote that was never closed.
LONGEST_RECORD = 1_000_000
csv.field_size_limit(LONGEST_RECORD)

OPEN_QUOTE = _("a quote is opened and not closed")
BROKEN_QUOTES = _("its quotes are broken: {detail}")
_TOO_WIDE = _("it has {cells} cells and the header has {columns}")
_REPLACED = "\ufffd"
_ENDS_SHORT = _(
    "the file ends within a line, with {cells} of {columns} values: was it cut off?"
)
_CUT = _("the file is cut off here: this value, and what follows it, is missing")


@dataclass(frozen=True, kw_only=True)
class DelimitedFile(TableFile):
    """Text with a delimiter between the cells of a record."""

    decoding: Decoding

    def records(self, progress: Progress | None = None) -> Iterator[Record]:
        records = self._records(progress)
        return _mark_cut(records) if self.decoding.is_cut_off else records

    def _records(self, progress: Progress | None) -> Iterator[Record]:
        width = len(self.header)
        with self.decoding.lines(self.path) as (lines, file):
            for record in _split(lines, self.delimiter, width):
                line = record.line
                if line <= self.header_line:
                    continue
                if progress and line % 1000 == 0:
                    progress(os.lseek(file.fileno(), 0, os.SEEK_CUR))
                yield record
        if progress:
            progress(self.size)


def open_delimited(path: Path, encoding: str = "") -> DelimitedFile:
    """Find out how the file is written; raises UnreadableFile, and OSError."""
    decoding = find_decoding(path, encoding)
    with decoding.lines(path) as (lines, _file):
        line, delimiter, first = _first_line(lines)
        # A heading in quotes may go on in the next lines, whatever the delimiter is.
        taken: list[str] = []
        _gather(first, _Lines(lines), delimiter or DELIMITERS[0], taken)
    if not delimiter:
        plain = "".join("".join(taken).split('"')[::2])
        delimiter = max(DELIMITERS, key=plain.count)
    header_lines: list[str] = []
    source = _Lines(iter(taken[1:]))
    cells, problem = _gather(taken[0], source, delimiter, header_lines)
    if len(cells) == 1:
        inner = max(DELIMITERS, key=cells[0].count)
        unwrapped = _unwrapped(cells, inner)
        cells, delimiter = (unwrapped, inner) if unwrapped else (cells, delimiter)
    if problem:
        text = _("{path}, line {line}: broken header: {problem}")
        raise UnreadableFile(text, path=path, line=line, problem=problem)
    return DelimitedFile(
        path=path,
        encoding=decoding.label,
        delimiter=delimiter,
        header=[read_heading(cell) for cell in cells],
        header_line=line + len(header_lines) - 1,
        notes=decoding.notes,
        decoding=decoding,
    )


def read_text_lines(path: Path, encoding: str = "") -> list[str]:
    """The lines of a text without columns; raises UnreadableFile, and OSError."""
    with find_decoding(path, encoding).lines(path) as (lines, _file):
        return [line.rstrip("\r\n") for line in lines]


def _first_line(lines: Iterator[str]) -> tuple[int, str, str]:
    """The number of the first line that says something, the delimiter that a line
    before it names, and the line."""
    delimiter = ""
    for number, text in enumerate(lines, 1):
        if named := _SEPARATOR.fullmatch(text.lstrip("\ufeff")):
            delimiter = named[1]
        elif "\0" in text:
            raise UnreadableFile(
                _(
                    "Line {line}, which should name the columns, has a NUL character: "
                    "this is no text file."
                ),
                line=number,
            )
        elif text.strip():
            return number, delimiter, text
    raise UnreadableFile(_("The file is empty: its first line must name the columns."))


class _Lines:
    """Lines, some of which are put back to be read again."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.again: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self.again.popleft() if self.again else next(self._lines)

    def put_back(self, lines: list[str]) -> None:
        self.again.extendleft(reversed(lines))


def _split(lines: Iterator[str], delimiter: str, width: int) -> Iterator[Record]:
    """Records of `width` cells, with the lines that cannot be read as one reported."""
    source = _Lines(lines)
    again = source.again
    number = 1
    # The iterator's own `__next__` would be a call of ours for each line.
    while (text := again.popleft() if again else next(lines, None)) is not None:
        if text.isspace():
            number += 1
            continue
        if '"' not in text:
            cells = text.rstrip("\r\n").split(delimiter)
            if len(cells) == width:
                yield Record(number, cells)
                number += 1
                continue
        taken: list[str] = []
        cells, problem = _gather(text, source, delimiter, taken)
        if width > 1 and (len(cells) == 1 or _may_be_wrapped(cells)):
            inner = _unwrapped(cells, delimiter)
            cells = inner if len(inner) == width else cells
        remark = "" if problem else _ends_short(taken[-1], cells, width)
        problem = problem or _fit(cells, width)
        if problem and len(taken) > 1:
            # Not a long record but a stray quote: only its own line is broken.
            source.put_back(taken[1:])
            del taken[1:]
            problem = Sentence(OPEN_QUOTE)
        yield Record(number, [] if problem else cells, problem, remark)
        number += len(taken)


def _gather(
    first: str, source: _Lines, delimiter: str, taken: list[str]
) -> tuple[list[str], Sentence | str]:
    """The cells of the record that begins with this line, or what is wrong with it.

    An open quote goes on in the next lines: postal addresses have line breaks. `taken`
    gets the lines that the record takes.
    """
    cells, problem = _record(first, source, delimiter, taken)
    is_odd = any(cell[:1] == " " and '"' in cell for cell in cells)
    if not problem and (len(taken) > 1 or not is_odd):
        return cells, ""
    for form, escape in _other_forms(first, delimiter, taken):
        source.put_back(taken[1:])
        del taken[:]
        found, again = _record(form, source, delimiter, taken, escape)
        if not again:
            return found, ""
    if not problem:
        source.put_back(taken[1:])
        del taken[:]
        return _record(first, source, delimiter, taken)
    return [], problem


def _other_forms(
    first: str, delimiter: str, taken: list[str]
) -> list[tuple[str, str | None]]:
    """How else a record may be meant, with the sign that escapes a quote in it.

    Some write spaces about the quotes of a cell; some programs \\" for a quote in it.
    """
    close = _cells_in_quotes(delimiter).sub(r"\1\2", first)
    forms: list[tuple[str, str | None]] = [(close, None)] if close != first else []
    has_escapes = any('\\"' in line for line in taken)
    return forms + ([(close, "\\")] if has_escapes else [])


def _record(
    first: str,
    source: _Lines,
    delimiter: str,
    taken: list[str],
    escape: str | None = None,
) -> tuple[list[str], Sentence | str]:
    lines = _taking(first, source, taken)
    reader = csv.reader(lines, delimiter=delimiter, strict=True, escapechar=escape)
    try:
        return next(reader), ""
    except csv.Error as error:
        return [], _problem(error)


@functools.cache
def _cells_in_quotes(delimiter: str) -> re.Pattern[str]:
    """Cells in quotes, with the spaces that some write before or after these."""
    between = re.escape(delimiter)
    return re.compile(rf'(^|{between}) *("(?:[^"]|"")*") *(?={between}|[\r\n]*\Z)')


def _unwrapped(cells: list[str], delimiter: str) -> list[str]:
    """The cells of a record that somebody has put into quotes as a whole, if it is one.

    So spreadsheets write a line that was pasted into their first column.
    """
    if not cells or delimiter not in cells[0]:
        return []
    try:
        return next(csv.reader([cells[0]], delimiter=delimiter, strict=True))
    except csv.Error:
        return []


def _may_be_wrapped(cells: list[str]) -> bool:
    """Whether it is likelier that a record stands in its first cell than an address on
    paper, where all others are blank."""
    return bool(cells) and "@" in cells[0] and not any(cells[1:])


def _problem(error: csv.Error) -> Sentence:
    if "unexpected end of data" in str(error):
        return Sentence(OPEN_QUOTE)
    return Sentence(BROKEN_QUOTES, {"detail": str(error)})


def _taking(first: str, source: _Lines, taken: list[str]) -> Iterator[str]:
    length = 0
    for line in chain([first], source):
        taken.append(line)
        length += len(line)
        yield line
        if length > LONGEST_RECORD:
            return


def _ends_short(last: str, cells: list[str], width: int) -> Sentence | str:
    """What is to be said of a record that lacks values and the end of its line.

    What an opt-out would have stood in is not there, and nobody can see it.
    """
    if last.endswith(("\n", "\r")) or not 0 < len(cells) < width:
        return ""
    return Sentence(_ENDS_SHORT, {"cells": len(cells), "columns": width})


def _fit(cells: list[str], width: int) -> Sentence | str:
    """Make the record as wide as the header, or say why that cannot be right."""
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        del cells[width:]
    if len(cells) > width:
        return Sentence(_TOO_WIDE, {"cells": len(cells), "columns": width})
    cells += [""] * (width - len(cells))
    return ""


def _mark_cut(records: Iterator[Record]) -> Iterator[Record]:
    """Leave out the last value of the file, of which only the beginning is there."""
    held: Record | None = None
    for record in records:
        if held:
            yield held
        held = record
    if held and not held.problem:
        cells = ["" if cell.endswith(_REPLACED) else cell for cell in held.cells]
        held = held._replace(cells=cells, remark=Sentence(_CUT))
    if held:
        yield held
