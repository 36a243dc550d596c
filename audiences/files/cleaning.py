"""What people meant to write: without what nobody sees and what spreadsheets add.

Used for files, forms, commands and programs alike, before a value is read.
"""

import re

from django.utils.translation import gettext_noop as _

from audiences.refusals import Sentence

# No value that Campaign keeps of a person is longer.
LONGEST = 1_000

# Controls, soft hyphens, zero-width and direction marks, fillers, variation selectors.
# NUL is left: no database keeps it, so it is refused and not cleaned away. The joiners
# of Persian names and of emoji (U+200C, U+200D) are in `_JOINERS`.
_INVISIBLE = (
    "\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
_JOINERS = "\u200c\u200d\ufe0f"
_UNSEEN = re.compile(f"[{_INVISIBLE}]")
_UNSEEN_OR_JOINING = re.compile(f"[{_INVISIBLE}{_JOINERS}]")

# What stands before a code that is to be text, and what programs put around it.
_QUOTES = ("'", "’", "‘", "`", "´")  # noqa: RUF001
# What programs and people write where there is nothing, besides dashes and the like.
_NOTHING = frozenset(
    r"null nul none nil nan na n/a n.a. nvt n.v.t. \n undefined blank empty leeg leer"
    " vide onbekend unknown unbekannt inconnu geen keine kein aucun aucune".split()
)
_BRACKETS = "()[]<>{}"

# Words that begin with an apostrophe: 't Hart, 's-Gravesande, 'n Beetje.
_OWN_APOSTROPHE = re.compile(r"'[stnkmrSTNKMR](?:[ \-]|[A-Z])")
# A number that a spreadsheet has taken for one: 1001.0, 1,23457E+15.
_SPREADSHEET_NUMBER = re.compile(
    r"\d+[.,]0+|\d+(?:[.,]\d+)?[eE]\+\d+|\d+[.,]\d+[eE]-?\d+"
)


def visible(text: str) -> str:
    """The text without outer spaces and invisible characters."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return _UNSEEN.sub("", text).strip()


def storable(text: str) -> str:
    """The text as JSON in a database may have it: PostgreSQL keeps no NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def identifier(text: str) -> str:
    """A number or code that names something; also without the spreadsheet's `'`, or
    quotes around it."""
    text = text.strip()
    if not (text.isascii() and text.isprintable()):
        text = _UNSEEN_OR_JOINING.sub("", text).strip()
    if not text.startswith(_QUOTES):
        return text
    text = text[1:].lstrip()
    return text[:-1].rstrip() if text.endswith(_QUOTES) else text


def says_something(text: str) -> bool:
    """Whether a text has a letter or a digit: invisible characters prove nothing."""
    return any(map(str.isalnum, text))


def says_nothing(text: str) -> bool:
    """Whether it only says that there is none: NULL, n/a, (leeg), a dash."""
    if not says_something(text):
        return True
    return text.strip(_BRACKETS).strip().casefold() in _NOTHING


def nothing() -> Sentence:
    return Sentence(_("it says only that there is none"))


def words(text: str) -> str:
    """A name or an address on paper, which may begin with an apostrophe of its own."""
    text = visible(text)
    if text.startswith("'") and not _OWN_APOSTROPHE.match(text):
        return text[1:].lstrip()
    return text


def is_spreadsheet_number(text: str) -> bool:
    """Whether a spreadsheet has changed the code: some of its digits may be gone."""
    return bool(_SPREADSHEET_NUMBER.fullmatch(text))


def too_long(most: int = LONGEST) -> Sentence:
    return Sentence(_("it is longer than {most} characters"), {"most": most})
