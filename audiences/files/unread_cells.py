"""Cells of a workbook that say something else than their stored value.

Errors (#N/A) and formulas whose result the file lacks, which a reader takes for blank:
a blank cell of an opt-out means "no", and these do not. And numbers that are shown with
leading zeros: 00123 is not the customer 123. Sources: ECMA-376, 18.3.1.4 and
18.8.31 (.xlsx); OpenDocument 1.3, part 3, 19.385 and 19.642 (.ods); for .xls see
`xls_cells`.
"""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, iterparse

from django.utils.translation import gettext_noop as _

from .cell_errors import NO_RESULT, is_error
from .number_formats import Padding, padding
from .table import UnreadableFile
from .xls_cells import cells_of_xls

# What stands in a cell, by its row and column from 0.
Cells = dict[tuple[int, int], str]
# One error filled in over whole columns is a mistake, or an attack.
MOST = 1_000_000
_TOO_MANY = _("{path} has more than {most} cells with an error.")
CONTENT, ROOT = "content.xml", "_rels/.rels"
# A part without these has no such cell: most are not read twice.
_SIGNS = re.compile(rb"""\bt\s*=\s*["']e["']|<(?:\w+:)?f[\s/>]""")
_ODS_SIGNS = re.compile(
    rb"""\bformula\s*=|["']error["']|min-integer-digits\s*=\s*["'](?:[2-9]|\d\d)"""
)
_Padded = dict[str, Padding]
_PLACE = re.compile(r"([A-Z]+)(\d+)")


def unread_cells(path: Path, sheet: str, number: int) -> Cells:
    """What stands in these cells of a sheet; `number` is its place among the sheets.

    Raises UnreadableFile, and what readers of archives and XML raise.
    """
    if not zipfile.is_zipfile(path):
        return dict(cells_of_xls(path.read_bytes(), number))
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if CONTENT in names and ROOT not in names:
            return _gathered(_of_ods(archive, sheet), path)
        workbook = relations(archive, "")["officeDocument"][0]
        return _gathered(_of_xlsx(archive, workbook, sheet), path)


def _gathered(found: Iterator[tuple[tuple[int, int], str]], path: Path) -> Cells:
    cells: Cells = {}
    for place, text in found:
        cells[place] = text
        if len(cells) > MOST:
            raise UnreadableFile(_TOO_MANY, path=path, most=MOST)
    return cells


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _attributes(element: Element) -> dict[str, str]:
    return {_local(name): value for name, value in element.attrib.items()}


def _parsed(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[str, Element]]:
    """Begin and end of the elements. Expat reads nothing from outside, and stops where
    entities grow (2.4.1)."""
    with archive.open(part) as file:
        yield from iterparse(file, ("start", "end"))  # noqa: S314


def relations(archive: zipfile.ZipFile, part: str) -> dict[str, list[str]]:
    """The parts that a part names, by its name for them and by their kind (Open
    Packaging Conventions, 6.5)."""
    folder, name = posixpath.split(part)
    found: dict[str, list[str]] = {}
    names = {name.lower(): name for name in archive.namelist()}
    relations = posixpath.join(folder, "_rels", f"{name}.rels")
    for event, element in _parsed(archive, names[relations.lower()]):
        if event == "start" and _local(element.tag) == "Relationship":
            target = posixpath.join("/", folder, element.get("Target", ""))
            target = posixpath.normpath(target).lstrip("/")
            kind = element.get("Type", "").rpartition("/")[2]
            for key in (element.get("Id", ""), kind):
                found.setdefault(key, []).append(names.get(target.lower(), target))
    return found


# ------------------------------------------------------------------------------- .xlsx
def _of_xlsx(
    archive: zipfile.ZipFile, workbook: str, sheet: str
) -> Iterator[tuple[tuple[int, int], str]]:
    related = relations(archive, workbook)
    wanted, is_uncomputed = "", False
    for _event, element in _parsed(archive, workbook):
        given = _attributes(element)
        if _local(element.tag) == "sheet" and given.get("name") == sheet:
            wanted = given["id"]
        elif _local(element.tag) == "calcPr":
            # Programs that do not compute ask for it so, and write 0 meanwhile.
            is_uncomputed = given.get("fullCalcOnLoad") in ("1", "true")
    padded: _Padded = {}
    for styles in related.get("styles", ()):
        padded = _padded_formats(archive, styles)
    part = related[wanted][0]
    yield from _of_sheet(archive, part, padded, is_uncomputed=is_uncomputed)


def _of_sheet(
    archive: zipfile.ZipFile, part: str, padded: _Padded, *, is_uncomputed: bool
) -> Iterator[tuple[tuple[int, int], str]]:
    if not padded and not _has(_SIGNS, archive, part):
        return
    row = column = -1
    for event, element in _parsed(archive, part):
        tag = _local(element.tag)
        if event == "start":
            if tag == "row":
                row, column = int(element.get("r", row + 2)) - 1, -1
        elif tag == "c":
            column += 1
            if place := _PLACE.fullmatch(element.get("r", "")):
                row, column = int(place[2]) - 1, column_number(place[1])
            if text := _said(element, padded, is_uncomputed=is_uncomputed):
                yield (row, column), text
        elif tag == "row":
            element.clear()


def _has(signs: re.Pattern[bytes], archive: zipfile.ZipFile, part: str) -> bool:
    rest = b""
    with archive.open(part) as file:
        while block := file.read(1 << 20):
            # Another encoding than that of ASCII is read as a whole.
            if b"\0" in block or signs.search(rest + block):
                return True
            rest = block[-40:]
    return False


def column_number(letters: str) -> int:
    """The place of a column, from 0."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _said(cell: Element, padded: _Padded, *, is_uncomputed: bool) -> str:
    """What the cell says instead of its value, empty for most cells."""
    parts = {_local(part.tag): part for part in cell}
    value = parts["v"].text if "v" in parts else None
    if cell.get("t") == "e":
        return value or "#N/A"
    style = padded.get(cell.get("s", ""))
    if style and value and cell.get("t", "n") == "n":
        return style.of(value)
    if "f" not in parts or (value and not (is_uncomputed and value == "0")):
        return ""
    # A formula of texts may well come to an empty one.
    return "" if cell.get("t") == "str" and "v" in parts else NO_RESULT


def _padded_formats(archive: zipfile.ZipFile, part: str) -> _Padded:
    """The formats of cells that write more than the digits of a number."""
    codes: dict[str, str] = {}
    padded: _Padded = {}
    number, is_inside = 0, False
    for event, element in _parsed(archive, part):
        tag = _local(element.tag)
        if event == "start" and tag == "numFmt":
            codes[element.get("numFmtId", "")] = element.get("formatCode", "")
        elif tag == "cellXfs":
            is_inside = event == "start"
        elif event == "start" and tag == "xf" and is_inside:
            if found := padding(codes.get(element.get("numFmtId", ""), "")):
                padded[str(number)] = found
            number += 1
    return padded


# -------------------------------------------------------------------------------- .ods
def _of_ods(
    archive: zipfile.ZipFile, sheet: str
) -> Iterator[tuple[tuple[int, int], str]]:
    if not _has(_ODS_SIGNS, archive, CONTENT):
        return
    row, is_wanted = 0, False
    for event, element in _parsed(archive, CONTENT):
        tag = _local(element.tag)
        if tag == "table" and event == "start":
            row, is_wanted = 0, _attributes(element).get("name") == sheet
        elif tag == "table-row" and event == "end":
            count = int(_attributes(element).get("number-rows-repeated", 1))
            for column, text in _of_ods_row(element) if is_wanted else ():
                for again in range(count):
                    yield (row + again, column), text
            row += count
            element.clear()


def _of_ods_row(row: Element) -> Iterator[tuple[int, str]]:
    column = 0
    for cell in row:
        if _local(cell.tag) not in ("table-cell", "covered-table-cell"):
            continue
        given = _attributes(cell)
        count = int(given.get("number-columns-repeated", 1))
        if text := _ods_text(cell):
            yield from ((column + again, text) for again in range(count))
        column += count


def _ods_text(cell: Element) -> str:
    kinds = [value for name, value in cell.attrib.items() if _is_kind(name)]
    # A remark beside the cell has paragraphs of its own.
    shown = "".join(t for p in cell if _local(p.tag) == "p" for t in p.itertext())
    shown = shown.strip()
    if "error" in kinds:
        return shown or "#N/A"
    given = _attributes(cell)
    if "formula" in given and (is_error(shown) or not kinds):
        return shown or NO_RESULT
    return shown if "float" in kinds and _is_padded(shown, given) else ""


def _is_padded(shown: str, given: dict[str, str]) -> bool:
    digits = given.get("value", "").removesuffix(".0")
    return shown.isdigit() and shown != digits and shown.lstrip("0") == digits


def _is_kind(name: str) -> bool:
    """LibreOffice says "error" in an attribute of its own namespace."""
    return _local(name) == "value-type"
