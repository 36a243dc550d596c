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

# What systems in other languages call the columns that all of them have.
EMAIL_LABELS = (
    *("E-mailadres", "E-mail", "E-Mail", "E-Mail-Adresse", "Adresse e-mail"),
    *("Adresse email", "Dirección de correo electrónico", "Correo electrónico"),
    *("Indirizzo e-mail", "Indirizzo email"),
)
FIRST_NAME_LABELS = ("Voornaam", "Vorname", "Prénom", "Nombre", "Nome")
LAST_NAME_LABELS = ("Achternaam", "Nachname", "Nom", "Apellidos", "Apellido", "Cognome")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The export of one system; `marks` are headings that only it has, all of them.

    `patterns` are for headings that hold a name, such as that of a list. `everybody`:
    whoever is in the file has opted out; `all_failed`: all addresses in it fail.
    `has_lines`: below the row of a person stand rows that hold only what there is
    several of, such as their lists. `spelled`: its marks are everyday words, so that
    they must be written just so, and
    one heading more makes it another file.
    """

    name: str
    marks: frozenset[str]
    lacks: frozenset[str] = frozenset()
    columns: Mapping[str, Meanings]
    patterns: Sequence[tuple[re.Pattern[str], Meanings]] = ()
    everybody: tuple[Scope, ...] = ()
    all_failed: bool = False
    has_lines: bool = False
    spelled: frozenset[str] = frozenset()

    def fits(self, headings: frozenset[str], header: frozenset[str]) -> bool:
        """`headings` are those of the header as `folded` leaves them."""
        if not self.marks <= headings or self.lacks & headings:
            return False
        if not self.spelled:
            return True
        return self.spelled <= header and headings - {""} <= self.columns.keys()

    def is_about_consent(self, heading: str) -> bool:
        """Whether the column says who has opted out, or whose address fails."""
        meanings = self.meanings_of(heading) or ()
        return any(column.kind in ("flag", "failure") for column in meanings)

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


LOCAL: dict[str, Meanings] = {
    **dict.fromkeys(EMAIL_LABELS, address("email")),
    **dict.fromkeys(FIRST_NAME_LABELS, profile("first_name")),
    **dict.fromkeys(LAST_NAME_LABELS, profile("last_name")),
}
