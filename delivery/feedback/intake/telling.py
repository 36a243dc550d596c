"""What the feed is told of what became of messages."""

from collections.abc import Iterable

from audiences import feed
from audiences.feed import Event
from delivery.models import EventKind, MessageEvent

_NAMES = {EventKind.FAILED: Event.FAILED, EventKind.COMPLAINT: Event.COMPLAINED}


def tell(events: Iterable[MessageEvent]) -> None:
    """Tell of new failures and complaints, in the transaction in which they count."""
    feed.tell(
        feed.Fact(
            name=_NAMES[EventKind(event.kind)],
            profile_id=event.message.profile_id if event.message else None,
            channel=event.channel,
            key=event.key or "",
            delivery_id=event.message.delivery_id if event.message else None,
            data={
                name: value
                for name, value in (
                    ("message", event.message.message_id if event.message else None),
                    ("error", str(event.type)),
                    ("reason", str(event.reason)),
                )
                if value
            },
        )
        for event in events
        if event.kind in _NAMES
    )
