"""What an event does, by its kind: to the quarantine, or to consent."""

from contextlib import suppress

from audiences.consent import Origin, Source
from audiences.links import BadLink, Link, read_mail_token
from audiences.links.mail_addresses import tag_of
from audiences.visits.opting_out import opt_out
from audiences.visits.visit import Gone
from delivery import quarantine
from delivery.feedback.events import FeedbackEvent
from delivery.models import EventKind, MessageEvent
from delivery.models.quarantine import ErrorReason, ErrorType

# What denylists the address (Q4), and the reason that the evidence bears.
_DENYLISTING = {
    EventKind.COMPLAINT: ErrorReason.COMPLAINT,
    EventKind.STOP: ErrorReason.STOP,
}


def act(event: FeedbackEvent, row: MessageEvent, link: Link | None) -> None:
    """Let an event act whose row was just written, in the same transaction.

    A delay does nothing. An address that is not known any more (the person was erased)
    is left alone.
    """
    if event.kind == EventKind.UNSUBSCRIBE:
        if link:
            unsubscribe(link, row)
    elif row.key is None:
        return
    elif event.kind == EventKind.FAILED:
        _record(row, event.type, event.reason)
    elif event.kind in _DENYLISTING:
        _record(row, ErrorType.HARD, _DENYLISTING[event.kind])
    elif event.kind == EventKind.DELIVERED:
        quarantine.delivered(row.channel, row.key)
    elif event.kind == EventKind.START:
        quarantine.start(
            row.channel, row.key, at=row.at, source=row.source, text=row.text or ""
        )


def _record(row: MessageEvent, type: ErrorType, reason: ErrorReason) -> None:
    quarantine.record(
        row.channel,
        row.key or "",
        type=type,
        reason=reason,
        at=row.at,
        text=row.text or "",
        message=row.message,
        source=row.source,
        event_id=row.event_id,
    )


def unsubscribe(link: Link, row: MessageEvent) -> None:
    """What one-click does (RFC 8058), asked for by mail (RFC 2369)."""
    origin = Origin(
        source=Source.MAIL,
        note=f"inbound item {row.item_id}",
        at=row.at,
    )
    with suppress(Gone):
        opt_out(link, origin)


def unsubscribe_link(address: str) -> Link | None:
    """What the signed address of a List-Unsubscribe header says; None for another."""
    try:
        return read_mail_token(tag_of(address))
    except BadLink:
        return None
