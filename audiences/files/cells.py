"""Cells of files: escaping for spreadsheets, its inverse, what is wrong with one.

A cell is escaped for spreadsheets when it is written, and as it was once it is read.
"""

import csv
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO

from django.utils.translation import gettext_noop as _

from audiences import moments
from audiences.refusals import Refused, Sentence

from . import cleaning
from .cell_errors import error_in

# What a spreadsheet would compute, full-width signs included. A program that takes ; or
# a tab or a line end for the end of a cell would compute what follows it, too.
_COMPUTED = "=+\\-@\t\r\n＝＋－＠"  # noqa: RUF001  (what spreadsheets take for = + - @)
_BEGINS = "(?:^|(?<=[;\t\r\n]))"
_UNSAFE = re.compile(f"{_BEGINS}(?=[' ]*[{_COMPUTED}])")
_ESCAPED = re.compile(f"{_BEGINS}'(?=[' ]*[{_COMPUTED}])")
# How programs keep a spreadsheet from taking a code for a number: ="00123".
_AS_TEXT = re.compile(r'="([^"]*)"')
_HARMLESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:@+'/-]*")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a value was left out or kept as invalid, or why a row was rejected."""

    field: str
    reason: Sentence | str


class BadCell(Refused):
    """A row cannot be read; the problem names its column, or none."""

    def __init__(self, field: str, reason: Sentence | str, **values: object) -> None:
        if isinstance(reason, str):
            reason = Sentence(reason, values)
        self.problem = Problem(field, reason)
        super().__init__(reason)


def escaped(text: str) -> str:
    """The cell with an apostrophe before whatever a spreadsheet would compute."""
    if _HARMLESS.fullmatch(text):
        return text
    return _UNSAFE.sub("'", text)


def unescaped(text: str) -> str:
    """A cell as it was before an export kept spreadsheets from computing it."""
    return _ESCAPED.sub("", text) if "'" in text else text


def read_cell(cell: str) -> str:
    """What a cell says: without outer spaces, invisible characters and the escape."""
    text = cleaning.visible(cell)
    if text.startswith('="') and (code := _AS_TEXT.fullmatch(text)):
        return code[1].strip()
    return unescaped(text)


def named_cells(
    names: Sequence[str | None], cells: Sequence[str], *, judged: Collection[str] = ()
) -> dict[str, str]:
    """What the cells of a row say, by our name of their column; blank ones are not in
    it, nor are columns without a name.

    `judged` are columns in which the caller refuses the errors of spreadsheets itself.
    Raises BadCell.
    """
    given = {}
    for name, cell in zip(names, cells, strict=True):
        if name and (text := read_cell(cell)):
            if "\x00" in text:  # PostgreSQL keeps none
                raise BadCell(name, _("it contains a NUL character"))
            if (error := error_in(text)) and name not in judged:
                raise BadCell(name, error)
            given[name] = text
    return given


def moment_cell(
    given: Mapping[str, str],
    name: str,
    no_moment: str,
    read: Callable[[str], datetime | None] = moments.read,
) -> datetime | None:
    """When it happened by a cell, in UTC, or None when the cell is blank.

    `no_moment` is the reason when it has another {text}; `read` is for a caller who
    remembers moments that recur. Raises BadCell.
    """
    text = given.get(name)
    if text is None:
        return None
    try:
        at = read(text)
        if at is not None:
            return moments.happened(at)
    except moments.OutsideCalendar as error:
        raise BadCell(name, _("it is out of range")) from error
    except moments.BadMoment as error:
        raise BadCell(name, str(error)) from error
    raise BadCell(name, no_moment, text=repr(text[:50]))


def write_csv(
    stream: TextIO | Any, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write a CSV file that no spreadsheet runs: = + - @ first are escaped."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(safe_cells(row))


def safe_cells(row: Sequence[Any]) -> list[Any]:
    """The cells with an apostrophe before what a spreadsheet would compute."""
    return [escaped(cell) if isinstance(cell, str) else cell for cell in row]
