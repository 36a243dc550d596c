"""The headings of columns, in any spelling."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping

from audiences.refusals import Refused


class UnknownColumns(Refused):
    """The header cannot be understood; the message names the columns and the remedy.

    `columns` are those of which nobody knows what they mean, where that is all.
    """

    columns: tuple[str, ...] = ()


# What people put around a heading.
_AROUND = "'\"`*:?!.,;"


def folded(heading: str) -> str:
    """Without what does not count: letter case, width, spaces, hyphens, underscores,
    and marks before and after it."""
    if not heading.isascii():
        heading = unicodedata.normalize("NFKC", heading)
    # Hyphens and dashes of all lengths.
    apart = re.sub(r"[\s_\-\u2010-\u2015\u2212]+", "", heading)
    return apart.strip(_AROUND).casefold()


def names_of(columns: Mapping[str, Iterable[str]]) -> Callable[[str], str | None]:
    """Finds our name of a heading: its own, or another that the column may have."""
    names = {
        folded(name): own for own, others in columns.items() for name in (own, *others)
    }
    return lambda heading: names.get(folded(heading))
