"""What the messages of every channel have: their links, and how one reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from audiences.links.prepared import Write
from delivery.transports import Outgoing

from .links import Links
from .places import Place
from .recipients import Recipient


@dataclass(frozen=True)
class Rendered:
    """A message as one person reads it.

    `html` is that of a mail, `encoding` and `segments` those of an SMS.
    """

    subject: str
    text: str
    html: str = ""
    encoding: str = ""
    segments: int = 0


class Messages(Protocol):
    """The messages of one variant, made ready."""

    def outgoing(self, recipient: Recipient, number: str, date: bytes) -> Outgoing: ...

    def rendered(self, recipient: Recipient) -> Rendered: ...


class LinkBook:
    """The links that a message has, each written once for a recipient."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._writers: list[Write] = []

    def index(self, place: Place) -> int:
        """The number of a place's link."""
        return self.number(self._links.of_places[place.name])

    def number(self, write: Write) -> int:
        if write not in self._writers:
            self._writers.append(write)
        return self._writers.index(write)

    def links(self, recipient: Recipient) -> Sequence[bytes]:
        """All of them for a recipient, by number."""
        profile_id, key = recipient.profile_id, recipient.key
        return [write(profile_id, key) for write in self._writers]
