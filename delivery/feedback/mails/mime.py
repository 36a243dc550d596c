"""Taking mail apart in bounded time and memory, whatever its sender wrote.

The standard library's parser recurses for each nested part and keeps every header: a
bomb of either kind costs minutes. Here depth, parts, headers and bytes have limits;
what lies beyond them isn't read. A single header is left to the standard library
(`email.policy.compat32`, which never raises).
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

# A report comes at the beginning of a mail, before the message that it is about.
MOST_BYTES = 256 * 1024
MOST_DEPTH = 6
MOST_PARTS = 40
MOST_HEADERS = 400
LONGEST_HEADER = 4_000
MOST_HEADER_BYTES = 128 * 1024
# Characters of one part that are read as text.
LONGEST_TEXT = 64 * 1024

# A content type as nearly every mailer writes it; the standard library reads others.
_PLAIN_TYPE = re.compile(
    r"\s*([\w.+-]+/[\w.+-]+)((?:\s*;\s*[\w-]+=(?:\"[^\"\\%]*\"|[\w.:/+=-]+))*)(?:\s*;)?\s*"
)
_PARAMETER = re.compile(r";\s*([\w-]+)=(?:\"([^\"]*)\"|([\w.:/+=-]+))")
_NO_SEMICOLON = re.compile(r"^([\w.+-]+/[\w.+-]+)(\s+\w+=)")
_FIRST_MARK = re.compile(rb"\s{0,100}--([!-~]{1,70})[ \t]*\r?\n")
_FIELD = re.compile(r"([!-9;-~]{1,80})[ \t]*:")
# Alphabets that mail is written in; others (punycode, say) cost time or memory.
_CHARSET = re.compile(
    r"(us-)?ascii|utf-?(7|8|16)|(iso|cs|x)?-?(8859|2022|ir)[-_\w]*|windows-?\w+|cp\d+"
    r"|x?-?mac\w*|koi8[-_]\w|(x-)?s(hift)?[-_]?jis|euc[-_]\w+|gb\w+|big5\w*|ks_c\w*"
    r"|latin-?\d",
    re.IGNORECASE,
)


@dataclass
class Part:
    """One part of a mail: its headers (names in lower case) and what it holds."""

    headers: list[tuple[str, str]]
    body: bytes
    content_type: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    parts: list["Part"] = field(default_factory=list)

    def get(self, name: str) -> str:
        """The first header of a name, or an empty text."""
        for key, value in self.headers:
            if key == name:
                return value
        return ""

    def all(self, *names: str) -> list[str]:
        return [value for key, value in self.headers if key in names]

    def walk(self) -> Iterator["Part"]:
        yield self
        for part in self.parts:
            yield from part.walk()

    def own(self) -> Iterator["Part"]:
        """The parts outside any message that the mail contains."""
        yield self
        if not _holds_message(self):
            for part in self.parts:
                yield from part.own()

    def text(self) -> str:
        """The part as text, decoded; it never fails."""
        encoding = self.get("content-transfer-encoding").strip().lower()
        data = self.body[: 2 * LONGEST_TEXT]
        if encoding == "base64":
            data = _from_base64(data)
        elif encoding == "quoted-printable":
            data = binascii.a2b_qp(data)
        return decoded(data, self.parameters.get("charset", ""))[:LONGEST_TEXT]


def take_apart(raw: bytes) -> Part:
    """The mail as a tree of parts."""
    return _part(raw[:MOST_BYTES], MOST_DEPTH, [MOST_PARTS])


def _part(raw: bytes, depth: int, left: list[int], inherited: str = "") -> Part:
    headers, body = headers_and_body(raw)
    part = Part(headers, body)
    content_type = part.get("content-type")
    _read_content_type(part, content_type or inherited)
    if depth <= 0:
        return part
    if part.content_type.startswith("multipart/"):
        default = "message/rfc822" if part.content_type == "multipart/digest" else ""
        for piece in _pieces(body, part.parameters.get("boundary", ""), left[0]):
            left[0] -= 1
            part.parts.append(_part(piece, depth - 1, left, default))
        if not part.parts:
            part.content_type = "text/plain"
    elif _holds_message(part) and left[0] > 0:
        left[0] -= 1
        encoding = part.get("content-transfer-encoding").strip().lower()
        inner = _from_base64(body) if encoding == "base64" else body
        part.parts.append(_part(inner.lstrip(b"\r\n"), depth - 1, left))
    return part


def _holds_message(part: Part) -> bool:
    return part.content_type in {
        "message/rfc822",
        "message/global",
        "message/news",
    }


def _read_content_type(part: Part, value: str) -> None:
    if not value:
        return
    if plain := _PLAIN_TYPE.fullmatch(value[:1_000]):
        given = {n.lower(): q or v for n, q, v in _PARAMETER.findall(plain[2])}
        part.content_type = plain[1].lower()
        part.parameters["charset"] = given.get("charset", "").lower()
        for name in ("boundary", "report-type"):
            part.parameters[name] = given.get(name, "")
        return
    header = Message()
    try:
        # Some mailers leave out the semicolon before a parameter.
        header["Content-Type"] = _NO_SEMICOLON.sub(r"\1;\2", value[:1_000])
        part.content_type = header.get_content_type()
        part.parameters["charset"] = header.get_content_charset() or ""
        for name in ("boundary", "report-type"):
            found = header.get_param(name)
            part.parameters[name] = found if isinstance(found, str) else ""
    except (ValueError, LookupError, TypeError, AttributeError, HeaderParseError):
        # What the library can't read counts as plain text.
        return


def _pieces(body: bytes, boundary: str, most: int) -> list[bytes]:
    """The text between the boundary lines of a multipart (RFC 2046, 5.1.1)."""
    mark = boundary.encode("utf-8", "replace").strip()
    if not mark:
        # A badly folded header loses the boundary; the body begins with it.
        first = _FIRST_MARK.match(body)
        mark = first[1] if first else b""
    if not mark or most <= 0:
        return []
    pieces: list[bytes] = []
    for block in (b"\n" + body).split(b"\n--" + mark, most + 1)[1:]:
        end_of_line, newline, piece = block.partition(b"\n")
        if end_of_line.strip(b"- \t\r"):
            # A longer boundary that begins like ours.
            if pieces:
                pieces[-1] += b"\n--" + mark + block
            continue
        pieces.append(piece if newline else b"")
    return [piece for piece in pieces if piece.strip()][:most]


# ------------------------------------------------------------------------- headers
def headers_and_body(raw: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """Headers up to the first empty line, and the rest. An envelope line is skipped."""
    if raw.startswith((b"\n", b"\r\n")):
        return [], raw.partition(b"\n")[2]
    head, _blank, body = raw.partition(b"\n\n")
    if (end := head.find(b"\n\r\n")) >= 0:
        head, body = raw[:end], raw[end + 3 :]
    return header_fields(decoded(head[:MOST_HEADER_BYTES], "")), body


def header_fields(text: str) -> list[tuple[str, str]]:
    """Names in lower case with unfolded values, in their order."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines()[: 4 * MOST_HEADERS]:
        if line[:1] in (" ", "\t"):
            if found and len(found[-1][1]) < 50:
                found[-1][1].append(line.strip()[:LONGEST_HEADER])
            continue
        match = _FIELD.match(line)
        if match and len(found) < MOST_HEADERS:
            value = line[match.end() : LONGEST_HEADER].strip()
            found.append((match[1].lower(), [value]))
    return [(name, " ".join(lines)[:LONGEST_HEADER]) for name, lines in found]


def readable(value: str) -> str:
    """A header with its encoded words (RFC 2047) as text."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value[:1_000])
    except (HeaderParseError, ValueError, binascii.Error):
        return value
    return "".join(
        piece if isinstance(piece, str) else decoded(piece, charset or "")
        for piece, charset in pieces
    )


# ----------------------------------------------------------------------- alphabets
def decoded(data: bytes, charset: str) -> str:
    """Bytes as text; a wrong or missing alphabet is guessed."""
    if charset and _CHARSET.fullmatch(charset):
        try:
            return data.decode(charset, "replace")
        except (LookupError, UnicodeError):
            pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _from_base64(data: bytes) -> bytes:
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    return binascii.a2b_base64(letters[: len(letters) // 4 * 4])
