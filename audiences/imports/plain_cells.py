"""Cells that are as plain as nearly all are, read in the shortest way.

What is taken here comes to the same as by the readers of `people_rows`, which know
every case: a test holds both to it.
"""

import re
from collections.abc import Callable

from audiences.addresses import Normalised
from audiences.addresses.keys import plain_key
from audiences.channels import ADDRESS_KINDS, Channel, Scope, flag_name
from audiences.files import error_in, read_cell
from audiences.profiles import read_country, read_language, read_name

from .columns.meanings import Column
from .person_row import Row

Taking = Callable[[Row, str], bool]
FLAG_OF = {flag_name(scope): scope for scope in Scope}
FIELD_READERS = {
    "first_name": read_name,
    "last_name": read_name,
    "language": read_language,
    "country": read_country,
}
# How many different cells of a column are remembered: names and languages recur.
REMEMBERED = 20_000
# Of letters alone it may be a word for nothing.
_PLAIN_ID = re.compile(r"(?![A-Za-z]+\Z)[A-Za-z0-9][A-Za-z0-9_-]{0,98}")


def taking(column: Column) -> Taking:
    """What takes the plain cells of a column into a row; it tells whether it has.

    Of all other cells it takes nothing: the reader of the column is asked.
    """
    if column.kind == "address":
        return _taking_address(column)
    if column.kind == "flag":
        return _taking_flag(column)
    if column.kind == "profile":
        is_id = column.name == "external_id"
        return _taking_external_id if is_id else _taking_field(column)
    return lambda row, cell: False


def _taking_external_id(row: Row, cell: str) -> bool:
    if not _PLAIN_ID.fullmatch(cell):
        return False
    row.external_id = cell
    return True


def _taking_field(column: Column) -> Taking:
    name, read, known = column.name, FIELD_READERS[column.name], dict[str, str]()

    def take(row: Row, cell: str) -> bool:
        value = known.get(cell)
        if value is None:
            text = read_cell(cell)
            if not text or "\x00" in text or error_in(text):
                return False
            try:
                value = read(text)
            except ValueError:
                return False
            if len(known) < REMEMBERED:
                known[cell] = value
        row.fields[name] = value
        return True

    return take


def _taking_flag(column: Column) -> Taking:
    scope, known = FLAG_OF[column.name], dict[str, bool]()

    def take(row: Row, cell: str) -> bool:
        said = known.get(cell)
        if said is None:
            text = read_cell(cell)
            said = column.when.says(text) if text and not error_in(text) else None
            if said is None or "\x00" in text:
                return False
            if len(known) < REMEMBERED:
                known[cell] = said
        row.flags[scope] = said or row.flags.get(scope, False)
        return True

    return take


def _taking_address(column: Column) -> Taking:
    channel, is_first = column.name, column.number == 1
    kind, names = ADDRESS_KINDS[Channel(channel)], is_first and channel == Channel.EMAIL

    def take(row: Row, cell: str) -> bool:
        # A plain key has no space about it, and no apostrophe before it.
        if not (cell.isascii() and cell.isprintable()):
            return False
        key = "" if column.is_international else plain_key(kind, cell)
        if key:
            row.addresses.append((channel, is_first, Normalised(cell, key)))
            if names:
                row.email_keys = (key,)
        return bool(key)

    return take
