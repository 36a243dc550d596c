"""Cells of files: escaping for spreadsheets, its inverse, what is wrong with one.

A cell is escaped for spreadsheets when it is written, and as it was once it is read.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO

from django.utils.translation import gettext as _

from audiences import moments
from audiences.refusals import Refused

# What a spreadsheet would compute; exports write an apostrophe before it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a value was left out or kept as invalid, or why a row was rejected."""

    field: str
    reason: str


class BadCell(Refused):
    """A row cannot be read; the problem names its column, or none."""

    def __init__(self, field: str, reason: str) -> None:
        self.problem = Problem(field, reason)
        super().__init__(reason)


def unescaped(text: str) -> str:
    """A cell as it was before an export kept spreadsheets from computing it."""
    if text[:1] == "'" and text[1:2] in FORMULA:
        return text[1:]
    return text


def named_cells(names: Sequence[str | None], cells: Sequence[str]) -> dict[str, str]:
    """What the cells of a row say, by our name of their column; blank ones are not in
    it, nor are columns without a name. Raises BadCell."""
    given = {}
    for name, cell in zip(names, cells, strict=True):
        text = unescaped(cell.strip())
        if name and text:
            if "\x00" in text:  # PostgreSQL keeps none
                raise BadCell(name, _("it contains a NUL character"))
            given[name] = text
    return given


def moment_cell(given: Mapping[str, str], name: str, no_moment: str) -> datetime | None:
    """When it happened by a cell, in UTC, or None when the cell is blank.

    `no_moment` is the reason when it has another {text}. Raises BadCell.
    """
    text = given.get(name)
    if text is None:
        return None
    try:
        at = moments.read(text)
        if at is not None:
            return moments.happened(at)
    except moments.OutsideCalendar as error:
        raise BadCell(name, "it is out of range") from error
    except moments.BadMoment as error:
        raise BadCell(name, str(error)) from error
    raise BadCell(name, no_moment.format(text=repr(text[:50])))


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
    return [
        f"'{cell}" if isinstance(cell, str) and cell[:1] in FORMULA else cell
        for cell in row
    ]
