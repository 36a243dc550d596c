"""An address as it was meant: what people, mail programs and spreadsheets put around
it is taken away, and several in one text are taken apart."""

import re
import unicodedata
from urllib.parse import unquote

from audiences.channels import AddressKind
from audiences.files import cleaning

# Some cut off the end of `Name <address>`.
_NAMED = re.compile(r"[^<>]*<([^<>]+)>?")
_SCHEME = re.compile(r"(?:(?:mailto|smtp|e-?mail)\s*:\s*(?://)?)+", re.IGNORECASE)
_OTHER_ATS = ("＠", "﹫")  # noqa: RUF001
_PAIRS = dict(zip('"“‘„«([', '"”’“»)]', strict=True))  # noqa: RUF001
_OPENERS = {end: begin for begin, end in _PAIRS.items()} | {
    "'": "'",
    "`": "`",
    ">": "<",
}
_MOST_LAYERS = 4
_LEADING, _TRAILING = ",;: ", ".,;:!?/ "
# A quoted text is one piece, whatever stands in it.
_PIECES = re.compile(r'"[^"]*"|[^";,\r\n\t]+|"|([;,\r\n\t]+)')
_BETWEEN_WORDS = re.compile(
    r"[\s/|]+(?:(?:en|and|und|et|of|or|oder|ou|&|\+)[\s/|]+)?", re.IGNORECASE
)
_BETWEEN_NUMBERS = re.compile(r"[;,/|\r\n\t]+")
_BETWEEN_EMAILS = re.compile(r"[;,\r\n\t]")
_FEWEST_DIGITS = 6


def cleaned(kind: AddressKind, text: str) -> str:
    """The address without what is not part of it; what it means is not judged."""
    if kind == AddressKind.POSTAL:
        return cleaning.words(text)
    text = cleaning.identifier(text)
    if kind == AddressKind.TOKEN:
        return text
    if kind == AddressKind.EMAIL:
        if any(at in text for at in _OTHER_ATS):
            text = unicodedata.normalize("NFKC", text)
        text = _without_name(_without_scheme(text))
    else:
        text = _without_remark(text)
    for _layer in range(_MOST_LAYERS):
        text = _peeled(text)
    return text


def _without_name(text: str) -> str:
    """Without a name in brackets behind it or before it: jan@shop.example (Jan)."""
    if text.endswith(")"):
        bare = text.rpartition("(")[0]
    else:
        bare = text.partition(")")[2] if text.startswith("(") else ""
    return bare.strip() if "@" in bare else text


def _without_remark(text: str) -> str:
    """A number without words in brackets behind it: 06 12345678 (privé)."""
    bare, _bracket, remark = text.rpartition("(")
    is_remark = bare and remark.endswith(")") and not any(map(str.isdigit, remark))
    return bare.rstrip() if is_remark else text


def _peeled(text: str) -> str:
    """The text without one layer of what is around it."""
    text = text.lstrip(_LEADING).rstrip(_TRAILING)
    if named := _NAMED.fullmatch(text):
        return _without_scheme(named[1].strip())
    if len(text) > 2 and _PAIRS.get(text[0]) == text[-1]:
        return text[1:-1].strip()
    begin = _OPENERS.get(text[-1:])
    is_alone = begin is not None and text.count(begin) == (begin == text[-1])
    return text[:-1].rstrip() if is_alone else text


def _without_scheme(text: str) -> str:
    scheme = _SCHEME.match(text)
    if not scheme:
        return text
    return unquote(text[scheme.end() :].partition("?")[0]).strip()


def several(kind: AddressKind, text: str) -> list[str]:
    """The addresses in a text that holds more than one, else the text alone."""
    if kind == AddressKind.EMAIL and _may_be_emails(text):
        parts = _emails(text)
        return [p for p in parts if not cleaning.says_nothing(p)] or [text]
    if kind == AddressKind.NUMBER:
        parts = [part.strip() for part in _BETWEEN_NUMBERS.split(text)]
        parts = [part for part in parts if part]
        if all(sum(map(str.isdigit, part)) >= _FEWEST_DIGITS for part in parts):
            return parts or [text]
    return [text]


def _may_be_emails(text: str) -> bool:
    count = text.count("@")
    return count > 1 or (count == 1 and bool(_BETWEEN_EMAILS.search(text)))


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
