"""Cells of an .xls sheet that say something else than their stored value: errors, and
numbers with leading zeros. Sources: [MS-CFB] and [MS-XLS] 2.4.

Only as much of both formats as it takes to find them.
"""

import struct
from collections.abc import Callable, Iterator

from .cell_errors import NO_RESULT
from .number_formats import Padding, padding

_Cells = Iterator[tuple[tuple[int, int], str]]

_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
_BOUND_SHEET, _BOF, _EOF, _BOOL_ERR = 0x0085, 0x0809, 0x000A, 0x0205
_FORMAT, _XF, _NUMBER, _RK, _MANY_RK = 0x041E, 0x00E0, 0x0203, 0x027E, 0x00BD
_FORMULAS = (0x0006, 0x0206, 0x0406)
_DIMENSIONS = 0x0200
_TEXTS = (0x00FD, 0x0204)
# Records that begin with the row and the column of a cell.
_CELLS = (*_FORMULAS, _BOOL_ERR, _NUMBER, _RK, _MANY_RK, *_TEXTS)
_TO_COMPUTE = 0x0003
_LAST_SECTOR = 0xFFFFFFFA


def extents_of_xls(data: bytes) -> Iterator[tuple[int, int]]:
    """How many rows and columns each sheet has, by what it says and by its cells."""
    stream = _workbook(data)
    for kind, place, _size in _records(stream, 0):
        if kind == _BOUND_SHEET:
            (begin,) = struct.unpack_from("<I", stream, place)
            yield _extent(stream, begin)


def _extent(stream: bytes, begin: int) -> tuple[int, int]:
    rows = columns = 0
    for kind, place, size in _records(stream, begin):
        if kind == _DIMENSIONS and size >= 12:
            first, last, left, right = struct.unpack_from("<IIHH", stream, place)
            if first > last or left > right:
                raise ValueError("a sheet ends before it begins")
            rows, columns = max(rows, last), max(columns, right)
        elif kind in _CELLS and size >= 4:
            row, column = struct.unpack_from("<HH", stream, place)
            rows, columns = max(rows, row + 1), max(columns, column + 1)
    return rows, columns


def cells_of_xls(data: bytes, number: int) -> _Cells:
    """Row and column from 0, and the text, for the sheet in this place of the book.

    Raises ValueError, IndexError and struct.error where the file is broken.
    """
    stream = _workbook(data)
    begins = [
        struct.unpack_from("<I", stream, place)[0]
        for kind, place, _size in _records(stream, 0)
        if kind == _BOUND_SHEET
    ]
    yield from _errors(stream, begins[number])
    if padded := _padded(stream):
        yield from _shown(stream, begins[number], padded)


def _errors(stream: bytes, begin: int) -> _Cells:
    for kind, place, size in _records(stream, begin):
        if kind == _BOOL_ERR and size >= 8:
            row, column, code, is_error = struct.unpack_from("<HH2xBB", stream, place)
        elif kind in _FORMULAS and size >= 16:
            row, column, result, code, mark, options = struct.unpack_from(
                "<HH2xBxB3xHH", stream, place
            )
            # 2 is an error, 3 an empty text ([MS-XLS] 2.5.133, FormulaValue): what is
            # still to be computed has the latter, and asks for it.
            is_error = mark == 0xFFFF and result == 2
            if mark == 0xFFFF and result == 3 and options & _TO_COMPUTE:
                yield (row, column), NO_RESULT
        else:
            continue
        if is_error:
            yield (row, column), _ERRORS.get(code, "#N/A")


def _padded(stream: bytes) -> dict[int, Padding]:
    """Which formats of cells write more than the digits of a number."""
    codes: dict[int, str] = {}
    padded: dict[int, Padding] = {}
    number = 0
    for kind, place, _size in _records(stream, 0):
        if kind == _FORMAT:
            code, count, is_wide = struct.unpack_from("<HHB", stream, place)
            size, letters = (2, "utf-16-le") if is_wide & 1 else (1, "latin-1")
            text = stream[place + 5 : place + 5 + size * count]
            codes[code] = text.decode(letters, "replace")
        elif kind == _XF:
            (code,) = struct.unpack_from("<2xH", stream, place)
            if found := padding(codes.get(code, "")):
                padded[number] = found
            number += 1
    return padded


def _shown(stream: bytes, begin: int, padded: dict[int, Padding]) -> _Cells:
    for kind, place, size in _records(stream, begin):
        if kind not in (_NUMBER, _RK, _MANY_RK):
            continue
        row, column, first = struct.unpack_from("<HHH", stream, place)
        if kind == _NUMBER:
            found = [(first, *struct.unpack_from("<d", stream, place + 6))]
        else:
            pairs = stream[place + 4 : place + (10 if kind == _RK else size - 2)]
            found = [(xf, _of_rk(rk)) for xf, rk in struct.iter_unpack("<HI", pairs)]
        for offset, (xf, value) in enumerate(found):
            style = padded.get(xf) if value.is_integer() else None
            if style and (text := style.of(str(int(value)))):
                yield (row, column + offset), text


def _of_rk(packed: int) -> float:
    """A number in 30 bits, whole or the beginning of one of 64 (2.5.217)."""
    whole = packed >> 2
    if packed & 2:
        value = float(whole - (1 << 30) if whole >> 29 else whole)
    else:
        (value,) = struct.unpack("<d", struct.pack("<II", 0, packed & ~3))
    return value / 100 if packed & 1 else value


def _records(stream: bytes, begin: int) -> Iterator[tuple[int, int, int]]:
    """Kind, place and size of the records of one substream; charts in it are passed."""
    place, depth = begin, 0
    while place + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, place)
        depth += (kind == _BOF) - (kind == _EOF)
        if depth == 1:
            yield kind, place + 4, size
        if depth <= 0:
            return
        place += 4 + size


def _workbook(data: bytes) -> bytes:
    """The stream of the workbook within the compound file."""
    shift, mini_shift = struct.unpack_from("<HH", data, 30)
    directory, smallest, mini = struct.unpack_from("<I4xII", data, 48)
    sector = 1 << shift
    # Readers take as much memory as these say.
    for count in struct.unpack_from("<I16xI4xI", data, 44):
        if count > len(data) >> 6:
            raise ValueError("it says that it is larger than it is")

    def at(number: int) -> bytes:
        return data[(number + 1) * sector : (number + 2) * sector]

    table = _table(data, at)
    entries = b"".join(map(at, _chain(table, directory)))
    root = struct.unpack_from("<I", entries, 116)[0]
    for place in range(0, len(entries), 128):
        length = struct.unpack_from("<H", entries, place + 64)[0]
        name = entries[place : place + max(length - 2, 0)].decode(
            "utf-16-le", "replace"
        )
        if name not in ("Workbook", "Book"):
            continue
        begin, size = struct.unpack_from("<II", entries, place + 116)
        if size > len(data):
            raise ValueError("it says that it is larger than it is")
        if size >= smallest:
            return b"".join(map(at, _chain(table, begin)))[:size]
        # Short streams are in small sectors, within the stream of the root.
        minis = b"".join(map(at, _chain(table, mini)))
        inner = b"".join(map(at, _chain(table, root)))
        small = 1 << mini_shift
        numbers = _chain(_numbers(minis), begin)
        return b"".join(inner[n * small : (n + 1) * small] for n in numbers)[:size]
    raise ValueError("it has no workbook")


def _numbers(data: bytes) -> tuple[int, ...]:
    return struct.unpack_from(f"<{len(data) // 4}I", data)


def _table(data: bytes, at: Callable[[int], bytes]) -> tuple[int, ...]:
    """Which sector follows each; where the table is, the head says, and further on
    sectors of their own ([MS-CFB] 2.5)."""
    more, count = struct.unpack_from("<II", data, 68)
    numbers = list(struct.unpack_from("<109I", data, 76))
    for _step in range(count):
        *found, more = _numbers(at(more))
        numbers += found
    return _numbers(b"".join(at(n) for n in numbers if n < _LAST_SECTOR))


def _chain(table: tuple[int, ...], number: int) -> Iterator[int]:
    """The numbers of the sectors of a stream, in their order."""
    for _step in range(len(table) + 1):
        if number >= _LAST_SECTOR:
            return
        yield number
        number = table[number]
    raise ValueError("its sectors go round in a circle")
