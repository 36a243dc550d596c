"""Where the mails of the demo are kept: one mbox file, and a list of what is in it.

Each mail as a mail program would keep it: with the envelope in Return-Path and
Delivered-To (RFC 5321, 4.4), after a line that begins with From (RFC 4155; those of the
text are quoted with >). Any mail program opens the file.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from .server import Received

_QUOTED = re.compile(rb"^(>*From )", re.MULTILINE)
_UNQUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_BEGINNING = re.compile(rb"^From \S* .*\n", re.MULTILINE)
_LISTED = re.compile(
    rb"^(Delivered-To|To|From|Subject|Date):(.*(?:\n[ \t].*)*)",
    re.MULTILINE | re.IGNORECASE,
)
# The parts of a headers' text that the list shows are in its beginning.
_HEAD = 8_000


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail in the list: where it is in the file, and what the list shows."""

    start: int
    length: int
    recipient: str
    sender: str
    subject: str
    at: datetime


class Mailbox:
    """The mails of one file, for one process that writes and threads that read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._mails: list[Mail] = [*_known(path)]
        self._end = path.stat().st_size if path.exists() else 0

    def __len__(self) -> int:
        return len(self._mails)

    def take(self, received: Received) -> Mail:
        """Keep a mail before whoever sent it is told so."""
        text = received.body.replace(b"\r\n", b"\n")
        envelope = f"Return-Path: <{received.sender}>\n" + "".join(
            f"Delivered-To: {recipient}\n" for recipient in received.recipients
        )
        raw = envelope.encode() + text + (b"" if text.endswith(b"\n") else b"\n")
        now = datetime.now(UTC)
        first = (
            f"From {received.sender or 'MAILER-DAEMON'} {now:%a %b %d %H:%M:%S %Y}\n"
        )
        with self._lock, self.path.open("ab") as file:
            kept = _QUOTED.sub(rb">\1", raw)
            file.write(first.encode() + kept + b"\n")
            mail = _mail(self._end + len(first.encode()), kept, now)
            self._end = file.tell()
            self._mails.append(mail)
        return mail

    def latest(self, text: str, start: int, count: int) -> tuple[list[int], int]:
        """Numbers of the mails with a text in recipient or subject, newest first.

        Those from `start` on, at most `count`; and how many there are in all.
        """
        wanted = text.casefold()
        found = [
            number
            for number in range(len(self._mails) - 1, -1, -1)
            if wanted in self._mails[number].recipient.casefold()
            or wanted in self._mails[number].subject.casefold()
        ]
        return found[start : start + count], len(found)

    def __getitem__(self, number: int) -> Mail:
        """A mail by its number; raises IndexError."""
        if number < 0:
            raise IndexError(number)
        return self._mails[number]

    def read(self, mail: Mail) -> bytes:
        """The whole mail."""
        with self.path.open("rb") as file:
            file.seek(mail.start)
            return _UNQUOTED.sub(rb"\1", file.read(mail.length))

    def message(self, mail: Mail) -> EmailMessage:
        found = message_from_bytes(self.read(mail), policy=policy.default)
        assert isinstance(found, EmailMessage)  # noqa: S101
        return found


def _mail(start: int, kept: bytes, at: datetime | None = None) -> Mail:
    """A mail of the list; without a moment it is of its own date."""
    headers = _listed(kept)
    return Mail(
        start,
        len(kept),
        headers.get("delivered-to") or headers.get("to", ""),
        headers.get("from", ""),
        headers.get("subject", ""),
        at or _moment(headers.get("date", "")),
    )


def _listed(kept: bytes) -> dict[str, str]:
    """The headers that the list shows, the first of each name.

    Not by the parser of `email`: the mails of an earlier run are many, and somebody
    waits for the demo.
    """
    found: dict[str, str] = {}
    for name, value in _LISTED.findall(kept[:_HEAD].partition(b"\n\n")[0]):
        found.setdefault(name.decode().lower(), _shown(value))
    return found


def _shown(value: bytes) -> str:
    """The value of a header on one line, its encoded words decoded (RFC 2047)."""
    text = value.replace(b"\n", b"").decode(errors="replace").strip()
    if "=?" in text:
        with suppress(ValueError, LookupError, MessageError):
            text = str(make_header(decode_header(text)))
    return "".join(c if c.isprintable() else " " for c in text)


def _known(path: Path) -> Iterator[Mail]:
    """What an earlier run has left in the file."""
    if not path.exists():
        return
    data = path.read_bytes()
    begins = [*_BEGINNING.finditer(data)]
    ends = [*(begin.start() for begin in begins[1:]), len(data)]
    for begin, end in zip(begins, ends, strict=True):
        kept = data[begin.end() : end].removesuffix(b"\n")
        yield _mail(begin.end(), kept)


def _moment(date: str) -> datetime:
    """When it was written, by its own date."""
    try:
        found = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return datetime.fromtimestamp(0, UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
