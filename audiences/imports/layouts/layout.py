"""What an export of another system looks like, and what its columns mean here.

The table of a system maps headings, as `folded` leaves them, to meanings. No meaning:
the column is known, and passed over. The numbers that other systems give to people are
never external ids of ours: rows are matched by their address.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from audiences.channels import Scope, flag_name
from audiences.files import folded

from ..meanings import YES_OR_NO, Column, When

Meanings = tuple[Column, ...]
PASSED_OVER: Meanings = ()


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The export of one system; `marks` are headings that only it has, all of them.

    `patterns` are for headings that hold a name, such as that of a list. `everybody`:
    whoever is in the file has opted out; `all_failed`: all addresses in it fail.
    """

    name: str
    marks: frozenset[str]
    lacks: frozenset[str] = frozenset()
    columns: Mapping[str, Meanings]
    patterns: Sequence[tuple[re.Pattern[str], Meanings]] = ()
    everybody: tuple[Scope, ...] = ()
    all_failed: bool = False

    def fits(self, headings: frozenset[str]) -> bool:
        return self.marks <= headings and not self.lacks & headings

    def meanings_of(self, heading: str) -> Meanings | None:
        """What the column means, or None when the system's own exports lack it."""
        plain = folded(heading)
        if plain in self.columns:
            return self.columns[plain]
        for pattern, meanings in self.patterns:
            if pattern.search(plain):
                return meanings
        return None


def marks(*headings: str) -> frozenset[str]:
    return frozenset(map(folded, headings))


def table(
    known: Mapping[str, Meanings], passed_over: Iterable[str] = ()
) -> dict[str, Meanings]:
    """Headings with their meanings, and those that mean nothing here."""
    nothing = {folded(heading): PASSED_OVER for heading in passed_over}
    return nothing | {folded(heading): means for heading, means in known.items()}


def profile(name: str) -> Meanings:
    return (Column(name, "profile"),)


FULL_NAME: Meanings = (Column("full_name", "name", adds_up=True),)


def address(
    channel: str, number: int = 1, *, is_international: bool = False
) -> Meanings:
    kind = Column(channel, "address", number, is_international=is_international)
    return (kind,)


def opted_out(scope: Scope, when: When = YES_OR_NO) -> Meanings:
    return (Column(flag_name(scope), "flag", when=when, adds_up=True),)


def failed(channel: str, when: When) -> Meanings:
    return (Column(channel, "failure", when=when, adds_up=True),)
