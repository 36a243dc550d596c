"""How what names a person may be written: to find it in any text, and to black it out.

An address is written as it was given, in small letters, with its domain in Unicode or
as its xn-- form (RFC 5891), percent-encoded (RFC 3986), quoted-printable and base64
(RFC 2045), as an entity of HTML or as an escape of JSON. A number is written with or
without its country, with any signs between its digits.
"""

import base64
import json
import quopri
import re
from collections.abc import Iterable, Iterator
from html import escape
from urllib.parse import quote

import idna

from audiences.channels import ADDRESS_KINDS, AddressKind, Channel

ERASED = "[erased]"
# Shorter ones are found in texts that have nothing to do with the person.
SHORTEST_WORD, SHORTEST_NUMBER = 3, 4
_BETWEEN_DIGITS = r"[ ./()-]{0,3}"
# Where a name or a number begins and ends, and where an address does.
_ALONE = r"(?<![^\W_]){}(?![^\W_])"
_ADDRESS = r"(?<![\w.+-]){}(?![\w-]|\.\w)"


class Traces:
    """Everything that names some people, as patterns.

    `loose` is for the database, which knows no letters beyond ASCII: it finds at least
    what `exact` finds, which then decides.
    """

    def __init__(self, exact: Iterable[str] = (), loose: Iterable[str] = ()) -> None:
        self._exact, self._loose = [*dict.fromkeys(exact)], [*dict.fromkeys(loose)]
        # The longest first: an address goes before the name within it.
        self._exact.sort(key=len, reverse=True)
        self.exact = re.compile("|".join(self._exact) or r"(?!)", re.IGNORECASE)
        self.loose = "|".join(self._loose)

    def __bool__(self) -> bool:
        return bool(self._exact)

    def __add__(self, other: "Traces") -> "Traces":
        return Traces(self._exact + other._exact, self._loose + other._loose)

    def are_in(self, text: str) -> bool:
        return bool(self.exact.search(text))

    def without(self, text: str) -> str:
        """The text with what names the people blacked out."""
        return self.exact.sub(ERASED, text)

    def without_in(self, value: object) -> object:
        """The same of every text in a JSON value, also of the names of its facts."""
        if isinstance(value, str):
            return self._without_in_json(value) or self.without(value)
        if isinstance(value, list):
            return [self.without_in(each) for each in value]
        if isinstance(value, dict):
            return {
                self.without(name): self.without_in(each)
                for name, each in value.items()
            }
        if isinstance(value, int | float) and not isinstance(value, bool):
            return ERASED if self.exact.fullmatch(str(value)) else value
        return value

    def _without_in_json(self, text: str) -> str:
        """The same of JSON that is kept as a text; empty where the text is none.

        Read as a text, the n of a line's end would be the first letter of a name.
        """
        if not text.startswith(("[{", '{"')):
            return ""
        try:
            said = json.loads(text)
        except ValueError:
            return ""
        new = self.without_in(said)
        return text if new == said else json.dumps(new, ensure_ascii=False)


NOTHING = Traces()


def of_address(channel: str, value: str, key: str) -> Traces:
    """An address of a channel in every spelling."""
    kind = ADDRESS_KINDS[Channel(channel)]
    texts = {text for text in (value, key) if len(text) >= SHORTEST_NUMBER}
    if kind == AddressKind.EMAIL:
        texts |= {spelt for text in texts for spelt in _spellings(text)}
    found = _of_texts(texts, _ADDRESS if kind == AddressKind.EMAIL else "{}")
    if kind == AddressKind.NUMBER:
        for text in texts:
            found += of_number(text)
        return found
    return found + _of_texts({code for text in texts for code in _encoded(text)})


def of_number(text: str) -> Traces:
    """A phone number: its digits with any signs between them, its country or a 0."""
    digits = re.sub(r"\D", "", text).lstrip("0")
    if len(digits) < 7:
        return NOTHING
    # Countries have one to three digits; without them a 0 may stand before the rest.
    wholes = {digits, *(f"0{digits[length:]}" for length in (1, 2, 3))}
    patterns = [_BETWEEN_DIGITS.join(whole) for whole in wholes if len(whole) > 7]
    # Numbers are often written with the 0 of their country in brackets.
    patterns += [
        rf"{_BETWEEN_DIGITS.join(digits[:length])} ?\(0\) ?"
        rf"{_BETWEEN_DIGITS.join(digits[length:])}"
        for length in (1, 2, 3)
    ]
    ends = [rf"(?<!\d)(?:\+|00)?{pattern}(?!\d)" for pattern in patterns]
    return Traces(ends, patterns)


def of_words(text: str) -> Traces:
    """A name or a number of ours, where it stands alone."""
    text = " ".join(text.split())
    if len(text) < SHORTEST_WORD:
        return NOTHING
    forms = {text, *_escapes(text)}
    return Traces(
        [_ALONE.format(_spaced(form)) for form in forms],
        [_loosely(form) for form in forms],
    )


def _of_texts(texts: Iterable[str], where: str = "{}") -> Traces:
    forms = {form for text in texts for form in (text, *_escapes(text))}
    return Traces([where.format(_spaced(form)) for form in forms], map(_loosely, forms))


def _spaced(text: str) -> str:
    return r"\s+".join(map(re.escape, text.split()))


def _loosely(text: str) -> str:
    """A pattern for any database: other letters than ASCII may have another case."""
    return "".join(
        re.escape(char) if char.isascii() and not char.isspace() else "."
        for char in text
    )


def _spellings(text: str) -> Iterator[str]:
    """An email address with its domain in Unicode and as its xn-- form."""
    local, at, domain = text.rpartition("@")
    for spell in (_ascii, _unicode):
        yield f"{local}{at}{spell(domain)}"


def _ascii(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain


def _unicode(domain: str) -> str:
    try:
        return idna.decode(domain, uts46=True)
    except idna.IDNAError:
        return domain


def _encoded(text: str) -> Iterator[str]:
    """The text as addresses of the web and parts of mails hold it."""
    yield quote(text, safe="")
    yield quote(text)
    yield quote(text, safe="@+")
    yield quopri.encodestring(text.encode()).decode().strip()
    yield re.sub(
        r"[^A-Za-z0-9.]",
        lambda m: "".join(f"={octet:02X}" for octet in m[0].encode()),
        text,
    )
    # In a mail's VERP the address stands in another one, with = for its @.
    yield text.replace("@", "=")
    yield from _in_base64(text)


def _in_base64(text: str) -> Iterator[str]:
    """What is the same in the base64 of any text around it: at each of three places."""
    for spelt in {text, text.lower(), text.upper()}:
        octets = spelt.encode()
        for before in range(3):
            code = base64.b64encode(b"\0" * before + octets).decode()
            known = 8 * (before + len(octets)) // 6
            first = (8 * before + 5) // 6
            yield code[first:known]
        yield base64.b64encode(octets).decode()


def _escapes(text: str) -> Iterator[str]:
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield escape(text)
