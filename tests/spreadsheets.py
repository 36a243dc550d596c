"""Workbooks as the formats themselves say, made byte by byte: .xls, .ods, .xlsx.

Only what a reader needs: sheets with texts, numbers, truth values and dates.
"""

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from html import escape


@dataclass(frozen=True)
class Error:
    """A formula that comes to an error, or that nobody has computed (no code)."""

    code: str


_CODES = {"#DIV/0!": 0x07, "#REF!": 0x17, "#N/A": 0x2A}
Cell = Error | str | int | float | bool | date | None
# Rows by the name of their sheet.
Book = dict[str, list[list[Cell]]]
# The day 0 of spreadsheets (ECMA-376, 18.17.4.1).
_DAY_0 = date(1899, 12, 30)


# ------------------------------------------------------- .xls: [MS-XLS] in [MS-CFB]
def xls(book: Book, day_format: str = "") -> bytes:
    """BIFF8 in a compound file of one stream; dates may have another format."""
    cells = [cell for rows in book.values() for row in rows for cell in row]
    texts = list(dict.fromkeys(cell for cell in cells if isinstance(cell, str)))
    sheets = [_sheet(rows, texts) for rows in book.values()]
    begins = [0] * len(sheets)
    for _attempt in range(2):  # the length does not depend on where sheets begin
        head = _globals(list(zip(book, begins, strict=True)), texts, day_format)
        place = len(head)
        for number, sheet in enumerate(sheets):
            begins[number] = place
            place += len(sheet)
    return _compound(head + b"".join(sheets))


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _bof(kind: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 1996, 0, 0x0600))


def _utf16(text: str, count: str) -> bytes:
    data = text.encode("utf-16-le")
    return struct.pack(f"<{count}B", len(data) // 2, 1) + data


def _globals(sheets: list[tuple[str, int]], texts: list[str], code: str) -> bytes:
    number, day = (struct.pack("<HH16x", 0, n) for n in (0, 170 if code else 14))
    return b"".join(
        [
            _bof(0x0005),
            _record(0x0042, struct.pack("<H", 1200)),
            _record(0x041E, struct.pack("<H", 170) + _utf16(code, "H"))
            if code
            else b"",
            _record(0x00E0, number),
            _record(0x00E0, day),
            *(
                _record(0x0085, struct.pack("<IH", begin, 0) + _utf16(name, "B"))
                for name, begin in sheets
            ),
            _record(
                0x00FC,
                struct.pack("<II", len(texts), len(texts))
                + b"".join(_utf16(text, "H") for text in texts),
            ),
            _record(0x000A, b""),
        ]
    )


def _sheet(rows: list[list[Cell]], texts: list[str]) -> bytes:
    width = max(map(len, rows), default=0)
    records = [
        _bof(0x0010),
        _record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0)),
    ]
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            if isinstance(cell, str):
                data = struct.pack("<HHHI", y, x, 0, texts.index(cell))
                records.append(_record(0x00FD, data))
            elif isinstance(cell, bool):
                data = struct.pack("<HHHBB", y, x, 0, cell, 0)
                records.append(_record(0x0205, data))
            elif isinstance(cell, Error):
                records.append(_xls_error(y, x, cell.code))
            elif cell is not None:
                data = struct.pack("<HHHd", y, x, isinstance(cell, date), _serial(cell))
                records.append(_record(0x0203, data))
    return b"".join([*records, _record(0x000A, b"")])


def _xls_error(y: int, x: int, code: str) -> bytes:
    """A plain one, and in the second column the result of a formula (2.5.133)."""
    if x != 1 and code:
        return _record(0x0205, struct.pack("<HHHBB", y, x, 0, _CODES[code], 1))
    result = (2, _CODES[code], 0xFFFF, 0) if code else (3, 0, 0xFFFF, 1)
    return _record(0x0006, struct.pack("<HHHBxB3xHHIH", y, x, 0, *result, 0, 0))


def _serial(cell: float | date) -> float:
    return (cell - _DAY_0).days if isinstance(cell, date) else cell


def _compound(stream: bytes) -> bytes:
    """A file of sectors of 512 bytes: directory, stream, then the table of sectors."""
    stream = stream.ljust(4096, b"\0")  # shorter ones are kept elsewhere
    stream += bytes(-len(stream) % 512)
    count = len(stream) // 512
    end, free, table = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    sectors = [end, *range(2, count + 1), end, table]
    sectors += [free] * (128 - len(sectors))
    head = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, 0, 0, 4096, end, 0, end, 0, count + 1),
    )
    return (
        head.ljust(512, b"\xff")
        + _entry("Root Entry", 5, 1, end, 0)
        + _entry("Workbook", 2, free, 0x00000001, len(stream))
        + b"\0" * 256
        + stream
        + struct.pack("<128I", *sectors)
    )


def _entry(name: str, kind: int, child: int, begin: int, size: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    none = 0xFFFFFFFF
    return struct.pack(
        "<64sHBBIII36xIQ", text, len(text), kind, 1, none, none, child, begin, size
    )


# ---------------------------------------------- .ods: OASIS OpenDocument 1.3, part 3
_ODS = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content'
    ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc"'
    ' office:version="1.3"><office:body><office:spreadsheet>{}'
    "</office:spreadsheet></office:body></office:document-content>"
)
_MANIFEST = (
    '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest'
    ' xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
    ' manifest:version="1.3"><manifest:file-entry manifest:full-path="/"'
    ' manifest:media-type="{0}"/><manifest:file-entry'
    ' manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    "</manifest:manifest>"
)
_MIME = "application/vnd.oasis.opendocument.spreadsheet"


def ods(book: Book) -> bytes:
    tables = "".join(
        f'<table:table table:name="{escape(name)}">'
        + "".join(
            f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>"
            for row in rows
        )
        + "</table:table>"
        for name, rows in book.items()
    )
    return _zipped(
        {
            "mimetype": _MIME,
            "content.xml": _ODS.format(tables),
            "META-INF/manifest.xml": _MANIFEST.format(_MIME),
        }
    )


def _ods_cell(cell: Cell) -> str:
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, Error):
        # As LibreOffice writes it: a number beside the error.
        facts = 'office:value-type="float" office:value="0" calcext:value-type="error"'
        shown = f"<text:p>{cell.code}</text:p>"
        facts = f"{facts if cell.code else ''} table:formula='of:=NA()'"
        return f"<table:table-cell {facts}>{shown}</table:table-cell>"
    shown = f"<text:p>{escape(str(cell))}</text:p>"
    if isinstance(cell, str):
        facts = 'office:value-type="string"'
    elif isinstance(cell, bool):
        facts = f'office:value-type="boolean" office:boolean-value="{cell}"'.lower()
    elif isinstance(cell, date):
        facts = f'office:value-type="date" office:date-value="{cell.isoformat()}"'
    else:
        facts = f'office:value-type="float" office:value="{cell}"'
    return f"<table:table-cell {facts}>{shown}</table:table-cell>"


# ------------------------------------------------------------------ .xlsx: ECMA-376
_SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def xlsx(book: Book) -> bytes:
    sheets = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>'
        for n, name in enumerate(book, 1)
    )
    targets = [
        ("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(book) + 1)
    ]
    return _zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/></Types>',
            "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
            "xl/workbook.xml": f'<workbook xmlns="{_SPREADSHEET}" xmlns:r="{_OFFICE}">'
            f"<sheets>{sheets}</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": _relations(
                [*targets, ("styles", "styles.xml")]
            ),
            "xl/styles.xml": f'<styleSheet xmlns="{_SPREADSHEET}"><cellXfs>'
            '<xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
            **{
                f"xl/{target}": _xlsx_sheet(rows)
                for (_kind, target), rows in zip(targets, book.values(), strict=True)
            },
        }
    )


def merged(workbook: bytes, cells: str) -> bytes:
    """An .xlsx whose sheets have these cells as one, such as B2:B4."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    one = f'<mergeCells><mergeCell ref="{cells}"/></mergeCells>'
    return _zipped(
        {
            name: text.replace("</sheetData>", f"</sheetData>{one}")
            for name, text in files.items()
        }
    )


def _relations(targets: list[tuple[str, str]]) -> str:
    inner = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def _xlsx_sheet(rows: list[list[Cell]]) -> str:
    inner = "".join(
        f'<row r="{y}">{"".join(_xlsx_cell(x, y, c) for x, c in enumerate(row))}</row>'
        for y, row in enumerate(rows, 1)
    )
    return (
        f'<worksheet xmlns="{_SPREADSHEET}"><sheetData>{inner}</sheetData></worksheet>'
    )


def _xlsx_cell(x: int, y: int, cell: Cell) -> str:
    place = f'r="{chr(ord("A") + x)}{y}"'
    if cell is None:
        return ""
    if isinstance(cell, Error):
        value = f"<v>{cell.code}</v>"
        kind = ' t="e"' if cell.code else ""
        return f"<c {place}{kind}><f>NA()</f>{value}</c>"
    if isinstance(cell, str):
        return f'<c {place} t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
    if isinstance(cell, bool):
        return f'<c {place} t="b"><v>{int(cell)}</v></c>'
    style = int(isinstance(cell, date))
    return f'<c {place} s="{style}"><v>{_serial(cell)}</v></c>'


def _zipped(files: dict[str, str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return target.getvalue()


FORMATS: dict[str, Callable[[Book], bytes]] = {"xls": xls, "ods": ods, "xlsx": xlsx}
