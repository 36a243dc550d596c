"""Reading a sheet of a spreadsheet as if it were delimited text: .xlsx, .xls, .ods."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from .table import Progress, Record, TableFile, UnreadableFile, read_heading

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# What a spreadsheet may hold unpacked: all of it is in memory while it is read.
LARGEST = 500_000_000
# A spreadsheet keeps 15 digits of a number; what was behind them is gone.
_EXACT = 10**15
_Range = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Sheet(TableFile):
    """One sheet of a workbook; its lines are numbered as the spreadsheet does."""

    rows: list[list[Any]]

    def records(self, progress: Progress | None = None) -> Iterator[Record]:
        width, count = len(self.header), len(self.rows)
        for line, row in enumerate(self.rows, 1):
            if line <= self.header_line:
                continue
            if progress and line % 1000 == 0:
                progress(self.size * line // count)
            cells = [_text(value) for value in row[:width]]
            if any(cells):
                yield Record(line, cells + [""] * (width - len(cells)))
        if progress:
            progress(self.size)


def is_spreadsheet(path: Path) -> bool:
    """Whether the file begins as workbooks do, whatever its name. Raises OSError."""
    with path.open("rb") as file:
        start = file.read(8)
    return start.startswith((_ZIP, _OLE))


def open_sheet(path: Path, name: str = "") -> Sheet:
    """The sheet with this name, else the first; raises UnreadableFile, and OSError."""
    sheet, rows = _read(path, name)
    found = ((n, row) for n, row in enumerate(rows, 1) if any(map(_text, row)))
    line, first = next(found, (0, []))
    if not line:
        raise UnreadableFile(f"{path}: the sheet {sheet!r} is empty.")
    header = [read_heading(_text(value)) for value in first]
    while header and not header[-1]:
        header.pop()
    return Sheet(
        path=path,
        encoding=sheet,
        delimiter="",
        header=header,
        header_line=line,
        rows=rows,
    )


def _read(path: Path, name: str) -> tuple[str, list[list[Any]]]:
    _require_small(path)
    try:
        with CalamineWorkbook.from_path(path) as book:
            names = book.sheet_names
            if name and name not in names:
                listed = ", ".join(map(repr, names))
                raise UnreadableFile(f"{path} has no sheet {name!r}. It has: {listed}.")
            if not names:
                raise UnreadableFile(f"{path} has no sheet.")
            sheet = name or names[0]
            found = book.get_sheet_by_name(sheet)
            rows = found.to_python(skip_empty_area=False)
            _spread(rows, found.merged_cell_ranges or [])
            return sheet, rows
    except CalamineError as error:
        raise UnreadableFile(
            f"{path} cannot be read as a spreadsheet ({error}). An archive must be "
            "unpacked first; a workbook with a password, saved without it."
        ) from error


def _spread(rows: list[list[Any]], merged: list[_Range]) -> None:
    """Give a cell that is merged over several rows to each of them, as people read it.

    Only its first row has the value: an opt-out beside three people was one of the
    first.
    """
    for (top, left), (bottom, _right) in merged:
        for row in rows[top + 1 : bottom + 1]:
            if left < len(row) and not _text(row[left]):
                row[left] = rows[top][left]


def _require_small(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        size = sum(item.file_size for item in archive.infolist())
    if size > LARGEST:
        raise UnreadableFile(f"{path} is too large for a spreadsheet: save it as CSV.")


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
