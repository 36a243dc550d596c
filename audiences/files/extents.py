"""How large the sheets of a workbook are, before a reader takes the memory for it.

One cell far away from the others makes a sheet too large for any memory, and so does
one that an .ods file repeats. The XML is read by a parser: whoever makes such a file on
purpose writes it otherwise than programs do.
"""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.parsers import expat

from django.utils.translation import gettext_noop as _

from .table import UnreadableFile
from .unread_cells import CONTENT, ROOT, column_number, relations
from .xls_cells import extents_of_xls

# Cells that an .ods file fills by repeating others: a table has a column or two.
MOST_REPEATED = 5_000_000
_BLOCK = 1 << 20
_FILLING = {"v", "is", "f"}
_TAGS = {"row", "c", *_FILLING}
_Attributes = dict[str, str]


def extents(path: Path) -> Iterator[tuple[int, int]]:
    """How many rows and columns the sheets of a workbook have up to their last cell.

    Raises UnreadableFile, and what readers of archives and XML raise.
    """
    if not zipfile.is_zipfile(path):
        yield from extents_of_xls(path.read_bytes())
        return
    with zipfile.ZipFile(path) as archive:
        # Both where both are there: who knows which of them is read.
        if CONTENT in archive.namelist():
            tables = _Tables(path)
            _read(archive, CONTENT, tables.begin)
            tables.end_table()
            yield from tables.found
        for part in _worksheets(archive):
            sheet = _Sheet()
            _read(archive, part, sheet.begin)
            yield sheet.extent


def _worksheets(archive: zipfile.ZipFile) -> list[str]:
    """The parts of .xlsx that are sheets by what names them, or by where they are."""
    names = archive.namelist()
    found = [
        name
        for name in names
        if "/worksheets/" in f"/{name.lower()}"
        and "/_rels/" not in name
        and not name.endswith("/")
    ]
    if ROOT in names:
        workbook = relations(archive, "")["officeDocument"][0]
        found += relations(archive, workbook).get("worksheet", ())
    return [*dict.fromkeys(found)]


def _read(
    archive: zipfile.ZipFile, part: str, begin: Callable[[str, _Attributes], None]
) -> None:
    """Tell the names of elements and their attributes, as they are written."""
    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    with archive.open(part) as file:
        while block := file.read(_BLOCK):
            parser.Parse(block)
    parser.Parse(b"", True)


class _Sheet:
    """Where the cells of a sheet of .xlsx are (ECMA-376, 18.3.1.4 and 18.3.1.73)."""

    def __init__(self) -> None:
        self._row, self._column, self._place = 0, 0, ""
        self._rows, self._columns, self._letters = 0, 0, set[str]()
        self._number = ""

    def begin(self, name: str, given: _Attributes) -> None:
        # Hundreds of thousands of cells come by: most are met as programs write them.
        tag = name if name in _TAGS else name[name.rfind(":") + 1 :]
        if tag in _FILLING:
            place, number = self._place, self._number
            is_met = number and place.endswith(number)
            if not (is_met and place[: -len(number)] in self._letters):
                self._note(place)
        elif tag == "c":
            self._column += 1
            self._place = given.get("r", "")
        elif tag == "row":
            self._row, self._column = int(given.get("r", self._row + 1)), 0

    def _note(self, place: str) -> None:
        """The cell has something in it."""
        if place:
            letters = place.rstrip("0123456789")
            self._letters.add(letters)
            self._number = place[len(letters) :]
            self._row, self._column = int(self._number), column_number(letters) + 1
        self._rows = max(self._rows, self._row)
        self._columns = max(self._columns, self._column)

    @property
    def extent(self) -> tuple[int, int]:
        return self._rows, self._columns


class _Tables:
    """Where the cells of the tables of .ods are (OpenDocument 1.3, part 3, 9.1)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: list[tuple[int, int]] = []
        self._repeated = 0
        self._reset()

    def _reset(self) -> None:
        self._row = self._rows = self._columns = self._count = 0
        self._column = self._width = self._cells = self._filled = self._written = 0

    def begin(self, name: str, given: _Attributes) -> None:
        tag = name[name.rfind(":") + 1 :]
        if tag in ("table-cell", "covered-table-cell"):
            self._cells = _times(given, "number-columns-repeated")
            self._column += self._cells
            if any(attribute.endswith("value-type") for attribute in given):
                self._fill()
        elif tag == "p":
            self._fill()
        elif tag == "table-row":
            self._end_row()
            self._count = _times(given, "number-rows-repeated")
        elif tag == "table":
            self.end_table()

    def _fill(self) -> None:
        """The cell has something in it; what is told twice counts once."""
        if self._width < self._column:
            self._width = self._column
            self._filled += self._cells
            self._written += 1

    def _end_row(self) -> None:
        self._row += self._count
        if self._width:
            self._rows, self._columns = self._row, max(self._columns, self._width)
        self._repeated += self._count * self._filled - self._written
        if self._repeated > MOST_REPEATED:
            raise UnreadableFile(
                _(
                    "{path} repeats one cell more than {most} times: remove what is "
                    "filled in down to the last row."
                ),
                path=self.path,
                most=MOST_REPEATED,
            )
        self._column = self._width = self._cells = self._filled = self._written = 0

    def end_table(self) -> None:
        self._end_row()
        self.found.append((self._rows, self._columns))
        self._reset()


def _times(given: _Attributes, attribute: str) -> int:
    found = (text for name, text in given.items() if name.endswith(attribute))
    return int(next(found, "1"))
