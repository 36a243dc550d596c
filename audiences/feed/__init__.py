"""What happened, in one order and without gaps: read from the history and beside it."""

from audiences.feed.facts import facts
from audiences.feed.happenings import Fact, tell
from audiences.feed.names import Event
from audiences.feed.reading import (
    BadCursor,
    Change,
    Page,
    Position,
    before,
    by_ids,
    present,
    read,
)

__all__ = [
    "BadCursor",
    "Change",
    "Event",
    "Fact",
    "Page",
    "Position",
    "before",
    "by_ids",
    "facts",
    "present",
    "read",
    "tell",
]
