"""Reading a sheet of a spreadsheet as if it were delimited text: .xlsx, .xls, .ods."""

import contextlib
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

from django.utils.translation import gettext_noop as _
from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from audiences.refusals import Sentence

from .extents import extents
from .table import Progress, Record, TableFile, UnreadableFile, read_heading
from .unread_cells import unread_cells

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# What a spreadsheet may hold unpacked: all of it is in memory while it is read.
LARGEST = 500_000_000
# And how many cells a sheet may have, blank ones too: each has its place in memory.
MOST_CELLS = 50_000_000
# A spreadsheet keeps 15 digits of a number; what was behind them is gone.
_EXACT = 10**15
_Range = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Sheet(TableFile):
    """One sheet of a workbook; its lines are numbered as the spreadsheet does.

    `remarks` are about lines that can be read all the same, by their numbers.
    """

    rows: list[list[Any]]
    remarks: dict[int, Sentence] = field(default_factory=dict)

    def records(self, progress: Progress | None = None) -> Iterator[Record]:
        width, count = len(self.header), len(self.rows)
        for line, row in enumerate(self.rows, 1):
            if line <= self.header_line:
                continue
            if progress and line % 1000 == 0:
                progress(self.size * line // count)
            cells = [_text(value) for value in row[:width]]
            if any(cells):
                remark = self.remarks.get(line, "")
                cells += [""] * (width - len(cells))
                yield Record(line, cells, remark=remark)
        if progress:
            progress(self.size)


def is_spreadsheet(path: Path) -> bool:
    """Whether the file begins as workbooks do, whatever its name. Raises OSError."""
    with path.open("rb") as file:
        start = file.read(8)
    return start.startswith((_ZIP, _OLE))


def open_sheet(path: Path, name: str = "") -> Sheet:
    """The sheet with this name, else the first that is not hidden; raises
    UnreadableFile, and OSError."""
    read = _read(path, name)
    rows = read.rows
    found = ((n, row) for n, row in enumerate(rows, 1) if any(map(_text, row)))
    line, first = next(found, (0, []))
    if not line:
        text = _("{path}: the sheet {sheet} is empty.")
        raise UnreadableFile(text, path=path, sheet=repr(read.name))
    header = [read_heading(_text(value)) for value in first]
    # A column that says something has its place, also without a heading.
    width = max(map(_width, rows[line - 1 :]))
    header = (header + [""] * width)[:width]
    return Sheet(
        path=path,
        encoding=read.name,
        delimiter="",
        header=header,
        header_line=line,
        rows=rows,
        remarks=_over_columns(read.merged, header),
        notes=read.notes,
    )


@dataclass(frozen=True)
class _Read:
    """A sheet, what is merged in it, and what is to be said about the others."""

    name: str
    rows: list[list[Any]]
    merged: list[_Range]
    notes: tuple[Sentence, ...]


# What the readers say of files that are broken.
_BROKEN: tuple[type[Exception], ...] = (
    *(CalamineError, zipfile.BadZipFile, zlib.error, struct.error),
    *(ParseError, ExpatError),
    *(ValueError, KeyError, IndexError, EOFError, RuntimeError),
)


@contextlib.contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Refuse a file that is broken, in whatever way a reader notices it."""
    try:
        yield
    except BaseException as error:
        # A panic of the reader of workbooks is no Exception and has no name to import.
        if not isinstance(error, _BROKEN) and type(error).__name__ != "PanicException":
            raise
        raise UnreadableFile(
            _(
                "{path} cannot be read as a spreadsheet ({error}). An archive must be "
                "unpacked first; a workbook with a password, saved without it."
            ),
            path=path,
            error=error,
        ) from error


def _read(path: Path, name: str) -> _Read:
    with _refusing(path):
        _require_readable(path)
        for rows, columns in extents(path):
            if rows * columns > MOST_CELLS:
                raise UnreadableFile(
                    _(
                        "{path} has {rows} rows and {columns} columns up to its last "
                        "cell: remove what stands far away from the table."
                    ),
                    path=path,
                    rows=rows,
                    columns=columns,
                )
        # By its bytes: opened by its path, the reader would believe its name.
        with path.open("rb") as file, CalamineWorkbook.from_filelike(file) as book:
            return _read_sheet(path, book, name)


def _read_sheet(path: Path, book: CalamineWorkbook, name: str) -> _Read:
    sheets = [s for s in book.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet]
    names = [sheet.name for sheet in sheets]
    if name and name not in names:
        listed = ", ".join(map(repr, names))
        text = _("{path} has no sheet {sheet}. It has: {listed}.")
        raise UnreadableFile(text, path=path, sheet=repr(name), listed=listed)
    if not names:
        raise UnreadableFile(_("{path} has no sheet."), path=path)
    chosen = name or _first(sheets)
    found = book.get_sheet_by_name(chosen)
    rows = found.to_python(skip_empty_area=False)
    place = book.sheet_names.index(chosen)
    for (row, column), text in unread_cells(path, chosen, place).items():
        _put(rows, row, column, text)
    merged = found.merged_cell_ranges or []
    _spread(rows, merged)
    return _Read(chosen, rows, merged, _notes(book, sheets, chosen, name))


def _first(sheets: list[SheetMetadata]) -> str:
    """What people see first when they open the workbook."""
    seen = [s.name for s in sheets if s.visible == SheetVisibleEnum.Visible]
    return (seen or [sheets[0].name])[0]


def _notes(
    book: CalamineWorkbook, sheets: list[SheetMetadata], chosen: str, asked: str
) -> tuple[Sentence, ...]:
    """Which other sheets have something in them, unless somebody has chosen one."""
    if asked:
        return ()
    filled = [
        sheet
        for sheet in sheets
        if sheet.name != chosen and book.get_sheet_by_name(sheet.name).height
    ]
    if not filled:
        return ()
    listed = ", ".join(repr(sheet.name) for sheet in filled)
    text = _("Only the sheet {sheet} is read. There is something in {others}, too.")
    return (Sentence(text, {"sheet": repr(chosen), "others": listed}),)


def _put(rows: list[list[Any]], row: int, column: int, text: str) -> None:
    rows.extend([] for _row in range(row + 1 - len(rows)))
    rows[row] += [""] * (column + 1 - len(rows[row]))
    rows[row][column] = text


def _spread(rows: list[list[Any]], merged: list[_Range]) -> None:
    """Give a cell that is merged over several rows to each of them, as people read it.

    Only its first row has the value: an opt-out beside three people was one of the
    first.
    """
    for (top, left), (bottom, _right) in merged:
        for row in rows[top + 1 : bottom + 1]:
            if left < len(row) and not _text(row[left]):
                row[left] = rows[top][left]


def _over_columns(merged: list[_Range], header: list[str]) -> dict[int, Sentence]:
    """By row, from 1, what is merged over several columns of the table: only the first
    of them has the value, and nobody knows whether it was meant for all."""
    said: dict[int, Sentence] = {}
    for (top, left), (bottom, right) in merged:
        others = [name for name in header[left + 1 : right + 1] if name]
        if left < len(header) and others:
            text = _("a cell is merged over columns: {column} has it, not {others}")
            values = {"column": header[left], "others": ", ".join(others)}
            said |= dict.fromkeys(range(top + 1, bottom + 2), Sentence(text, values))
    return said


def _require_readable(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        items = archive.infolist()
    if any(item.filename.endswith("/workbook.bin") for item in items):
        # Where its cells hold an error is said in a third form, which is not read.
        raise UnreadableFile(_("{path} is an .xlsb file: save it as .xlsx."), path=path)
    size = sum(item.file_size for item in items)
    if size > LARGEST:
        text = _("{path} is too large for a spreadsheet: save it as CSV.")
        raise UnreadableFile(text, path=path)


def _width(row: list[Any]) -> int:
    """How many cells of the row there are up to the last one that says something."""
    width = len(row)
    while width and not _text(row[width - 1]):
        width -= 1
    return width


def _text(value: Any) -> str:
    """The cell as a CSV file of it would have it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        is_whole = value.is_integer() and abs(value) < _EXACT
        return str(int(value)) if is_whole else f"{value:.15g}"
    if isinstance(value, datetime):
        value = value.date() if value.time() == time.min else value
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value).strip()
