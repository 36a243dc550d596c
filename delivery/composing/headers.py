"""Headers of a mail: encoded (RFC 2047), folded (RFC 5322, 2.2.3), on one line each.

Nothing that a name or subject holds ends a header: control characters and line breaks
become spaces.
"""

import functools
import re
from base64 import b64encode
from collections.abc import Iterator

from audiences.refusals import Refused

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\s]+")
# RFC 5322, 3.2.3: words that need no quotes, of letters, digits and a few signs.
_ATOMS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
)
_WORD = "=?utf-8?b?{}?="
_LINE, _LONGEST_WORD = 76, 75
_FRAME = len(_WORD) - 2
_FOLD = "\r\n "
# Those that a delivery cannot give itself: ours, and those that others must write.
RESERVED = frozenset(
    "from sender to cc bcc reply-to subject date message-id return-path received "
    "list-unsubscribe list-unsubscribe-post list-id list-post list-help list-archive "
    "list-owner list-subscribe feedback-id mime-version auto-submitted precedence "
    "dkim-signature authentication-results arc-seal arc-message-signature "
    "arc-authentication-results delivered-to errors-to in-reply-to references "
    "disposition-notification-to return-receipt-to cfbl-address".split()
)
_RESERVED_BEGINNINGS = ("content-", "resent-", "received-")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,70}")


class BadHeader(Refused):
    """A header that a delivery may not give; the message says why."""


def one_line(text: str) -> str:
    """The text without line breaks and control characters."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    return _CONTROL.sub(" ", text).strip()


@functools.lru_cache(maxsize=20_000)
def unstructured(text: str, name: str) -> bytes:
    """The value of a header such as Subject."""
    text = one_line(text)
    room = _LINE - len(name) - 2
    if text.isascii() and "=?" not in text:
        words = text.split(" ")
        if len(text) <= room:
            return text.encode()
        if all(len(word) < room for word in words):
            return _folded(words, room).encode()
    return _FOLD.join(_encoded_words(text, room)).encode()


@functools.lru_cache(maxsize=20_000)
def phrase(text: str, name: str) -> str:
    """A display name: plain, in quotes, or encoded; empty for an empty one."""
    text = one_line(text)
    room = _LINE - len(name) - 2
    if "=?" not in text and len(text) < room - 2:
        if not text or _ATOMS.fullmatch(text):
            return text
        if text.isascii():
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
    return _FOLD.join(_encoded_words(text, room))


def mailbox(display: str, address: str, name: str) -> bytes:
    """A display name and an address, as From and To have them; of one person."""
    shown = phrase(display, name)
    if not shown:
        return address.encode()
    last = shown.rpartition("\r\n")[2]
    fits = len(last) + len(address) + len(name) + 5 <= _LINE
    return f"{shown}{' ' if fits else _FOLD}<{address}>".encode()


def _folded(words: list[str], room: int) -> str:
    """The words on lines of at most 76 characters."""
    lines, line = [], words[0]
    for word in words[1:]:
        if len(line) + 1 + len(word) > room:
            lines.append(line)
            line, room = word, _LINE - 1
        else:
            line += f" {word}"
    return _FOLD.join([*lines, line])


def _encoded_words(text: str, room: int) -> Iterator[str]:
    """Encoded words of at most 75 characters; none ends within a character."""
    most = (min(room, _LONGEST_WORD) - _FRAME) // 4 * 3
    chunk = b""
    for character in text:
        code = character.encode()
        if len(chunk) + len(code) > most:
            yield _WORD.format(b64encode(chunk).decode())
            chunk, most = b"", (_LONGEST_WORD - _FRAME) // 4 * 3
        chunk += code
    yield _WORD.format(b64encode(chunk).decode())


# ------------------------------------------------------------ of a delivery's own
def own_headers(text: str) -> list[tuple[str, str]]:
    """The headers that a delivery gives itself, one a line; raises BadHeader.

    None that is ours, or that says how the mail travels; none twice.
    """
    found: dict[str, tuple[str, str]] = {}
    for line in filter(str.strip, text.splitlines()):
        name, colon, value = line.partition(":")
        name, lower = name.strip(), name.strip().lower()
        if not colon or not _NAME.fullmatch(name):
            raise BadHeader(f"{line!r:.200} is not a header such as X-Campaign: spring")
        if lower in RESERVED or lower.startswith(_RESERVED_BEGINNINGS):
            raise BadHeader(f"The header {name} is written by Campaign itself.")
        if lower in found:
            raise BadHeader(f"The header {name} is given twice.")
        found[lower] = (name, value.strip())
    return list(found.values())
