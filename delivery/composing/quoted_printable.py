"""Quoted-printable (RFC 2045, 6.7), for text whose places are filled in later.

A place begins a line and a soft line break follows it. So what is around it can be
encoded once, whatever is put there, and no line has more than 76 characters.
"""

import re

SOFT = b"=\r\n"
_LONGEST = 75
_PLAIN = frozenset(range(33, 127)) - {61} | {9, 32}
_CODES = [bytes([byte]) if byte in _PLAIN else b"=%02X" % byte for byte in range(256)]

# Not at its start: a dot, or the letter of "From ".
_NEEDS_NOTHING = re.compile(r"[!-\-/-<>-EG-~][ -<>-~]{0,74}")


def encode(text: str) -> bytes:
    """The encoded text, from the start of a line. Lines of the text end in \\n."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    *whole, last = lines
    encoded = [_line(line, ends=True) for line in whole]
    return b"\r\n".join([*encoded, _line(last, ends=False)])


def value(text: str) -> bytes:
    """What is put into a place, as `encode` has it."""
    return text.encode() if _NEEDS_NOTHING.fullmatch(text) else encode(text)


def address(url: bytes) -> bytes:
    """A web address that is put into a place."""
    if b"=" in url:
        return encode(url.decode())
    lines = [url[:_LONGEST]]
    while url := url[_LONGEST:]:
        lines.append(url[:_LONGEST])
    return SOFT.join(lines)


def _line(text: str, *, ends: bool) -> bytes:
    codes = [_CODES[byte] for byte in text.encode()]
    if ends and codes and codes[-1] in (b" ", b"\t"):
        # White space at the end of a line would be lost on the way.
        codes[-1] = b"=%02X" % codes[-1][0]
    if codes and (codes[0] == b"." or text.startswith("From ")):
        # Servers on the way may take these for something else.
        codes[0] = b"=%02X" % text.encode()[0]
    lines: list[bytes] = []
    line = b""
    for code in codes:
        if len(line) + len(code) > _LONGEST:
            lines.append(line + b"=")
            line = b""
        line += code
    return b"\r\n".join([*lines, line])
