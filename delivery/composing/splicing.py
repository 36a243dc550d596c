"""Bytes with places: what is the same for all is joined once, the rest is put in."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Facts:
    """What one message says of its recipient.

    `links` are the addresses of the message's links, in the order in which it was told
    of them; `address` is the one that is used; `message_id`, `date` and `subject` are
    those of the message.
    """

    profile_id: int
    fields: Mapping[str, str]
    links: Sequence[bytes]
    address: str = ""
    message_id: str = ""
    date: bytes = b""
    subject: str = ""


Fill = Callable[[Facts], bytes]


@dataclass(frozen=True)
class Slot:
    """A place and how it is filled; slots with the same key say the same."""

    key: Hashable
    fill: Fill


class Spliced:
    """A text that is built once, and spliced for each recipient."""

    def __init__(self, pieces: Sequence[bytes | Slot]) -> None:
        self._fills: list[Fill] = []
        self._order: list[int] = []
        self._parts: list[bytes] = [b""]
        keys: list[Hashable] = []
        for piece in pieces:
            if isinstance(piece, bytes):
                self._parts[-1] += piece
                continue
            if piece.key not in keys:
                keys.append(piece.key)
                self._fills.append(piece.fill)
            self._order.append(keys.index(piece.key))
            self._parts += [b"", b""]

    def of(self, facts: Facts) -> bytes:
        """The whole for one recipient."""
        values = [fill(facts) for fill in self._fills]
        parts = self._parts.copy()
        parts[1::2] = [values[number] for number in self._order]
        return b"".join(parts)
