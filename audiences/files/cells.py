"""Headings and cells of files: what they mean, and what is wrong with one.

A cell is escaped for spreadsheets when it is written, and as it was once it is read.
"""

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO, TypeVar

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
    """The moment in a cell, in UTC, or None when it is blank.

    `no_moment` is the reason when it has another {text}. Raises BadCell.
    """
    text = given.get(name)
    if text is None:
        return None
    try:
        at = moments.read(text)
    except moments.OutsideCalendar as error:
        raise BadCell(name, "it is out of range") from error
    if at is None:
        raise BadCell(name, no_moment.format(text=repr(text[:50])))
    return at.astimezone(UTC)


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


# ---------------------------------------------------------------- headings
Meaning = TypeVar("Meaning")


class UnknownColumns(Refused):
    """The header cannot be understood; the message names the columns and the remedy."""


def folded(heading: str) -> str:
    """Without what does not count: letter case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_\-]+", "", heading).casefold()


def names_of(columns: Mapping[str, Iterable[str]]) -> Callable[[str], str | None]:
    """Finds our name of a heading: its own, or another that the column may have."""
    names = {
        folded(name): own for own, others in columns.items() for name in (own, *others)
    }
    return lambda heading: names.get(folded(heading))


def read_headings(
    header: Sequence[str],
    meaning: Callable[[str], Meaning | None],
    *,
    unknown: str = "",
    needed: Iterable[Meaning] = (),
    missing: str = "",
) -> list[Meaning | None]:
    """What each column means; None for one that is passed over.

    `unknown` and `missing` are the refusals, with {unknown} and {missing} for the names
    of the columns; columns without a meaning are passed over when `unknown` is empty.
    Raises UnknownColumns, also when two columns mean the same.
    """
    found = [meaning(heading) for heading in header]
    absent = [str(name) for name in needed if name not in found]
    if absent:
        raise UnknownColumns(missing.replace("{missing}", _(" and ").join(absent)))
    strange = [
        heading or f"(column {position} has no name)"
        for position, (heading, column) in enumerate(zip(header, found, strict=True), 1)
        if column is None
    ]
    if strange and unknown:
        raise UnknownColumns(unknown.replace("{unknown}", ", ".join(strange)))
    known = [column for column in found if column is not None]
    twice = {str(column) for column in known if known.count(column) > 1}
    if twice:
        raise UnknownColumns(f"Two columns mean the same: {', '.join(sorted(twice))}.")
    return found
