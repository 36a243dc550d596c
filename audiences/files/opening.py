"""Opening a file that somebody made, whatever it is."""

from pathlib import Path

from django.utils.translation import gettext_noop as _

from .cells import read_cell
from .delimited import open_delimited, read_text_lines
from .spreadsheets import is_spreadsheet, open_sheet
from .table import TableFile, UnreadableFile

_WEB = _("{path} is a web page: open it in a spreadsheet and save it as .xlsx.")
# How files begin that are no table, and what to do about it.
_NO_TABLES = {
    b"\x1f\x8b": _("{path} is compressed (gzip, .gz): unpack it first."),
    b"BZh": _("{path} is compressed (.bz2): unpack it first."),
    b"\xfd7zXZ": _("{path} is compressed (.xz): unpack it first."),
    b"7z\xbc\xaf": _("{path} is an archive (.7z): unpack it first."),
    b"Rar!": _("{path} is an archive (.rar): unpack it first."),
    b"%PDF": _("{path} is a PDF: export the table as CSV."),
    # What some programs call .xls.
    **dict.fromkeys((b"<html", b"<!doctyp", b"<table", b"<meta", b"mime-ver"), _WEB),
    b"<?xml": _("{path} is XML: open it in a spreadsheet and save it as .xlsx."),
    **dict.fromkeys((b"[{", b'{"'), _("{path} is JSON: export the table as CSV.")),
    b"begin:vcard": _("{path} has address cards: export a table as CSV."),
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
        raise _unopened(path, error) from error


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
        raise _unopened(path, error) from error


def _unopened(path: Path, error: OSError) -> UnreadableFile:
    return UnreadableFile("{path}: {why}", path=path, why=error.strerror or error)


def _is_sheet(path: Path, encoding: str, sheet: str) -> bool:
    with path.open("rb") as file:
        start = file.read(64)
    plain = start.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    for beginning, remedy in _NO_TABLES.items():
        if start.startswith(beginning) or plain.startswith(beginning):
            raise UnreadableFile(remedy, path=path)
    if not is_spreadsheet(path):
        if sheet:
            text = _("{path} is no spreadsheet and has no sheets.")
            raise UnreadableFile(text, path=path)
        return False
    if encoding:
        text = _("{path} is a spreadsheet: it has no encoding.")
        raise UnreadableFile(text, path=path)
    return True
