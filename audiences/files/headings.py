"""What the columns of a file mean: their headings, in any spelling, and refusals."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from django.utils.translation import gettext as _

from audiences.refusals import Refused

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
