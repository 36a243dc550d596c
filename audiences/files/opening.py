"""Opening a file that somebody made, whatever it is."""

from pathlib import Path

from .cells import read_cell
from .delimited import open_delimited, read_text_lines
from .spreadsheets import is_spreadsheet, open_sheet
from .table import TableFile, UnreadableFile

# How files begin that are no table, and what to do about it.
_NO_TABLES = {
    b"\x1f\x8b": "is compressed (gzip, .gz): unpack it first.",
    b"BZh": "is compressed (.bz2): unpack it first.",
    b"\xfd7zXZ": "is compressed (.xz): unpack it first.",
    b"7z\xbc\xaf": "is an archive (.7z): unpack it first.",
    b"Rar!": "is an archive (.rar): unpack it first.",
    b"%PDF": "is a PDF: export the table as CSV.",
    # What some programs call .xls.
    b"<html": "is a web page: open it in a spreadsheet and save it as .xlsx.",
    b"<!doctyp": "is a web page: open it in a spreadsheet and save it as .xlsx.",
    b"<?xml": "is XML: open it in a spreadsheet and save it as .xlsx.",
}


def open_file(path: Path, *, encoding: str = "", sheet: str = "") -> TableFile:
    """Find out how the file is written; raises UnreadableFile.

    `encoding` is for text, and `sheet` for spreadsheets; each is found without.
    """
    try:
        if _is_sheet(path, encoding, sheet):
            return open_sheet(path, sheet)
        return open_delimited(path, encoding)
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error


def read_lines(path: Path, *, encoding: str = "", sheet: str = "") -> list[str]:
    """The lines of a file that has no columns, as cells; raises UnreadableFile."""
    try:
        if not _is_sheet(path, encoding, sheet):
            return [read_cell(line) for line in read_text_lines(path, encoding)]
        found = open_sheet(path, sheet)
        lines = [""] * (found.header_line - 1) + found.header[:1]
        for record in found.records():
            lines += [""] * (record.line - 1 - len(lines)) + [record.cells[0]]
        return [read_cell(line) for line in lines]
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error


def _is_sheet(path: Path, encoding: str, sheet: str) -> bool:
    with path.open("rb") as file:
        start = file.read(64)
    plain = start.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    for beginning, remedy in _NO_TABLES.items():
        if start.startswith(beginning) or plain.startswith(beginning):
            raise UnreadableFile(f"{path} {remedy}")
    if not is_spreadsheet(path):
        if sheet:
            raise UnreadableFile(
                f"{path} is no spreadsheet and has no sheets (--sheet)."
            )
        return False
    if encoding:
        raise UnreadableFile(f"{path} is a spreadsheet: it needs no --encoding.")
    return True
