"""How a place is filled: as text, in HTML, in a web address; in a body or a header."""

import functools
import re
from collections.abc import Callable
from html import escape
from urllib.parse import quote

from . import headers, quoted_printable
from .places import CannotCompose, Marks, Place
from .splicing import Facts, Slot

Index = Callable[[Place], int]
# Attributes of HTML that hold an address, and those that hold words.
_ADDRESSES = ("href", "src", "srcset", "background", "cite")
_WORDS = ("alt", "title", "aria-label", "summary", "content")
_ATTRIBUTE = re.compile(r"([a-zA-Z-]{1,40})=\"[^\"<>]*\Z")
_WEB_ADDRESS = re.compile(r"https?://\S*\Z", re.IGNORECASE)
# No address is longer, and what is before it need not be looked at.
_FAR = 2_000
_REMEMBERED = 5_000


def _plain(text: str) -> str:
    return headers.one_line(text)


def _escaped(text: str) -> str:
    return escape(headers.one_line(text))


def _quoted(text: str) -> str:
    return quote(headers.one_line(text), safe="")


Say = Callable[[str], str]
# How a value is written depends on what stands before it.
SayAfter = Callable[[str], Say]


def say_in_html(before: str) -> Say:
    """How a value is written after this HTML; raises CannotCompose."""
    before = before[-_FAR:]
    if before.rfind("<") <= before.rfind(">"):
        return _escaped
    found = _ATTRIBUTE.search(before)
    name = found[1].lower() if found else ""
    if name in _ADDRESSES:
        return _quoted
    if name in _WORDS or before.rstrip().rpartition("<")[2].startswith("!--"):
        return _escaped
    raise CannotCompose(
        f"A personal field cannot stand in the attribute {name or 'of a tag'}: "
        "put it into the text, a link or the description of a picture."
    )


def say_in_text(before: str) -> Say:
    """How a value is written after this text: percent-encoded within an address."""
    return _quoted if _WEB_ADDRESS.search(before[-_FAR:]) else _plain


def pieces_of_body(
    marked: str, marks: Marks, say: SayAfter, index: Index
) -> list[bytes | Slot]:
    """A text whose places are words, as quoted-printable with slots."""
    pieces: list[bytes | Slot] = []
    for piece in marks.cut(marked):
        if isinstance(piece, str):
            pieces.append(quoted_printable.encode(piece))
            continue
        place, before = piece
        slot = _link(place, index) if place.is_link else _field(place, say(before))
        # A soft line break lets the value and what follows begin a line.
        pieces += [quoted_printable.SOFT, slot, quoted_printable.SOFT]
    return pieces


def texts_of(
    marked: str, marks: Marks, say: SayAfter, index: Index
) -> Callable[[Facts], str]:
    """A text whose places are words, filled as it is: a subject, an SMS."""
    parts: list[Callable[[Facts], str]] = []
    for piece in marks.cut(marked):
        if isinstance(piece, str):
            parts.append(lambda facts, piece=piece: piece)  # type: ignore[misc]
            continue
        place, before = piece
        parts.append(_text_of(place, say(before), index))
    if len(parts) == 1:
        return parts[0]
    return lambda facts: "".join([part(facts) for part in parts])


def _text_of(place: Place, say: Say, index: Index) -> Callable[[Facts], str]:
    if place.is_link:
        number = index(place)
        return lambda facts: facts.links[number].decode()
    name, fallback = place.name, place.fallback
    return lambda facts: say(facts.fields.get(name) or fallback)


def _link(place: Place, index: Index) -> Slot:
    number, write = index(place), quoted_printable.address
    return Slot(place, lambda facts: write(facts.links[number]))


def _field(place: Place, say: Say) -> Slot:
    name, fallback = place.name, place.fallback

    # Many people share a name.
    @functools.lru_cache(maxsize=_REMEMBERED)
    def written(value: str) -> bytes:
        return quoted_printable.value(say(value))

    return Slot((place, say), lambda facts: written(facts.fields.get(name) or fallback))
