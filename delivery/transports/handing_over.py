"""What every transport is given and answers."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from audiences.refusals import Refused

# What is kept of a server's words.
LONGEST_TEXT = 1_000


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one address, as it leaves.

    `address` is what is handed over: of an email address the local part as stored and
    an ASCII domain, of a number its E.164. `body` is a whole mail as bytes with CRLF,
    or the text of another channel. `sender` is a mail's return path. `needs_utf8` is
    true where the address needs SMTPUTF8 (RFC 6531).
    """

    profile_id: int
    address: str
    body: bytes | str
    sender: str = ""
    message_id: str = ""
    needs_utf8: bool = False
    subject: str = ""


class Kind(Enum):
    """What became of a message that was handed over."""

    TAKEN = "taken"
    REFUSED = "refused"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Result:
    """The answer: taken, refused for good, or try again later.

    `code` is the enhanced code of a mail server (RFC 3463), or a provider's own;
    `text` the server's words; `provider_id` the number that it gave the message.
    """

    kind: Kind
    code: str = ""
    text: str = ""
    provider_id: str = ""


class Uncertain(Exception):
    """Nobody knows whether the server has the message: it is not sent again."""


class NotThere(Exception):
    """The server cannot be reached, or lets nobody in; nothing was handed over."""


class NoTransport(Refused):
    """Nothing hands over messages of the channel; the message says what to set."""


class Transport(Protocol):
    """One connection, kept open between messages, and opened again when it was closed.

    Not for several threads at once.
    """

    def open(self) -> None:
        """Connect now; raises NotThere. `hand_over` connects by itself, too."""

    def close(self) -> None:
        """End the connection; a later message opens it again."""

    def hand_over(self, message: Outgoing) -> Result:
        """Give the message to the server; one that is not there is LATER.

        Raises Uncertain when the connection broke while the server may have had the
        whole message and had not answered.
        """


def taken(provider_id: str = "", text: str = "", code: str = "") -> Result:
    return Result(Kind.TAKEN, code, text[:LONGEST_TEXT], provider_id[:255])


def refused(code: str, text: str) -> Result:
    return Result(Kind.REFUSED, code, text[:LONGEST_TEXT])


def later(code: str, text: str) -> Result:
    return Result(Kind.LATER, code, text[:LONGEST_TEXT])
