"""An address as it was meant: what people, mail programs and spreadsheets put around
it is taken away, and several in one text are taken apart."""

import re
from urllib.parse import unquote

from audiences.channels import AddressKind
from audiences.files import cleaning

_NAMED = re.compile(r"[^<>]*<([^<>]+)>")
_SCHEME = re.compile(r"(?:mailto|e-?mail):(?://)?", re.IGNORECASE)
_PAIRS = dict(zip('"“‘„«([', '"”’“»)]', strict=True))  # noqa: RUF001
_TRAILING = (".", ",", ";")
# A quoted text is one piece, whatever stands in it.
_PIECES = re.compile(r'"[^"]*"|[^";,\r\n\t]+|"|([;,\r\n\t]+)')
_BETWEEN_WORDS = re.compile(r"[\s/|]+")
_BETWEEN_NUMBERS = re.compile(r"[;,/|\r\n\t]+")
_FEWEST_DIGITS = 6


def cleaned(kind: AddressKind, text: str) -> str:
    """The address without what is not part of it; what it means is not judged."""
    if kind == AddressKind.POSTAL:
        return cleaning.words(text)
    text = cleaning.identifier(text)
    if kind == AddressKind.TOKEN:
        return text
    if kind == AddressKind.EMAIL:
        text = _without_scheme(text)
    if text.endswith(_TRAILING):
        text = text[:-1].rstrip()
    if named := _NAMED.fullmatch(text):
        text = _without_scheme(named[1].strip())
    if len(text) > 2 and _PAIRS.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return text


def _without_scheme(text: str) -> str:
    scheme = _SCHEME.match(text)
    if not scheme:
        return text
    return unquote(text[scheme.end() :].partition("?")[0]).strip()


def several(kind: AddressKind, text: str) -> list[str]:
    """The addresses in a text that holds more than one, else the text alone."""
    if kind == AddressKind.EMAIL and text.count("@") > 1:
        return _emails(text)
    if kind == AddressKind.NUMBER:
        parts = [part.strip() for part in _BETWEEN_NUMBERS.split(text)]
        parts = [part for part in parts if part]
        if all(sum(map(str.isdigit, part)) >= _FEWEST_DIGITS for part in parts):
            return parts or [text]
    return [text]


def _emails(text: str) -> list[str]:
    found: list[str] = []
    name = ""
    for part in _between_emails(text):
        # "Jansen, Jan <jan@shop.example>": the comma stands within a name.
        piece, name = f"{name}{part}".strip(), ""
        if "@" not in piece:
            name = f"{piece} " if piece else ""
        elif piece.count("@") == 1 or "<" in piece:
            found.append(piece)
        else:
            found += [word for word in _BETWEEN_WORDS.split(piece) if word]
    return found + ([name.strip()] if name else [])


def _between_emails(text: str) -> list[str]:
    """The parts between separators that do not stand within quotes."""
    parts = [""]
    for piece in _PIECES.finditer(text):
        if piece[1]:
            parts.append("")
        else:
            parts[-1] += piece[0]
    return parts
