"""What a column of a file of people means, and when it means yes."""

import unicodedata
from dataclasses import dataclass
from typing import Literal

from audiences.files import cleaning
from audiences.models import OwnField

# As people say it and as spreadsheets write it, in the languages of their programs.
TRUE = frozenset(
    "1 1.0 1,0 true t yes y ja j waar x on wahr oui vrai si sí sì vero verdadero"
    " ✓ ✔ ✅ ☑".split()
)
FALSE = frozenset(
    "0 0.0 0,0 false f no n nee onwaar off null nein falsch non faux falso".split()
)


def as_said(text: str) -> str:
    """A cell as its words are compared: without what nobody sees around it, with one
    space between its words, whatever their width and accents are made of."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(cleaning.identifier(text).casefold().split())


@dataclass(frozen=True, slots=True)
class When:
    """The words with which a cell says yes, and those with which it says no.

    `no` is None where every other word is a no; `filled`: every other word is a yes.
    """

    yes: frozenset[str] = frozenset()
    no: frozenset[str] | None = None
    filled: bool = False

    @classmethod
    def chosen(
        cls, yes: frozenset[str], no: frozenset[str], *, leaving: bool
    ) -> "When":
        """As somebody has said of the words that they were shown.

        A "no" that was chosen says yes: "may be mailed: no" is an opt-out. So a "nee"
        that nobody was shown is a no only where a "yes" says yes, by what was chosen or
        by the heading (`leaving`); elsewhere nobody knows what it says.
        """
        is_plain = not yes & FALSE and (leaving or bool(yes & TRUE))
        return cls(yes, (no | FALSE if is_plain else no) - yes)

    def says(self, text: str) -> bool | None:
        """Whether the cell says yes; None when nobody knows what it says."""
        word = as_said(text)
        if self.no and word in self.no:
            return False
        if self.filled or word in self.yes:
            return True
        return False if self.no is None else None


YES_OR_NO = When(TRUE, FALSE)
# Under a heading that says who may be contacted: a no is an opt-out there.
NO_OR_YES = When(FALSE - {"null"}, TRUE | {"null"})
FILLED = When(filled=True)


def when(*words: str) -> When:
    """Yes for these words, and no for every other."""
    return When(frozenset(word.casefold() for word in words))


Kind = Literal["profile", "name", "address", "flag", "failure", "own", "tags"]


@dataclass(frozen=True, slots=True)
class Column:
    """What a column of the file means; `number` counts a channel's addresses from 1.

    A `name` is first name and last name in one; a `failure` says that the address on a
    channel does not work. `is_international`: its numbers begin with a country code and
    lack the +. An `own` column has values of an own field. `adds_up`: several columns
    may say it, and the strictest counts.
    """

    name: str
    kind: Kind
    number: int = 1
    when: When = YES_OR_NO
    is_international: bool = False
    adds_up: bool = False
    # That of an `own` column.
    own_field: OwnField | None = None

    def __str__(self) -> str:
        if self.kind == "failure":
            return f"failed_{self.name}"
        return self.name if self.number == 1 else f"{self.name}_{self.number}"
