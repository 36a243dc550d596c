"""What events do, by their kind: to the quarantine, or to consent."""

from contextlib import suppress
from dataclasses import dataclass

from audiences import addresses
from audiences.consent import Origin, Source
from audiences.links import BadLink, Link, read_mail_token
from audiences.links.mail_addresses import tag_of
from audiences.moments import in_calendar
from audiences.visits.opting_out import opt_out
from audiences.visits.visit import Gone
from delivery import quarantine
from delivery.feedback.intake.matching import Report
from delivery.models import AddressError, EventKind, MessageEvent
from delivery.models.quarantine import ErrorReason, ErrorType

# What denylists the address (Q4), and the reason that the evidence bears.
_DENYLISTING = {
    EventKind.COMPLAINT: ErrorReason.COMPLAINT,
    EventKind.STOP: ErrorReason.STOP,
    EventKind.UNSUBSCRIBE: ErrorReason.STOP,
}


@dataclass(frozen=True)
class Counted:
    """A report whose event was just written, and the link of its message."""

    report: Report
    row: MessageEvent
    link: Link | None


def act_all(counted: list[Counted]) -> None:
    """Let events act whose rows were just written, in the same transaction.

    A delay does nothing. An address that is not known any more (the person was erased)
    is left alone. Evidence about addresses is written for all of them at once.
    """
    errors: list[AddressError] = []
    delivered: list[tuple[str, str]] = []
    for one in counted:
        row = one.row
        if row.kind == EventKind.UNSUBSCRIBE and one.link:
            unsubscribe(one.link, row)
        elif row.key is None:
            continue
        elif row.kind == EventKind.FAILED:
            errors.append(_error(row, one.report.event.type, one.report.event.reason))
        elif row.kind in _DENYLISTING:
            reason = _DENYLISTING[EventKind(row.kind)]
            errors.append(_error(row, ErrorType.HARD, reason))
            if row.kind == EventKind.UNSUBSCRIBE:
                _opt_out_holder(row)
        elif row.kind == EventKind.DELIVERED:
            delivered.append((row.channel, row.key))
        elif row.kind == EventKind.START:
            quarantine.start(
                row.channel, row.key, at=row.at, source=row.source, text=row.text or ""
            )
    quarantine.record_all(errors, delivered)


def _error(row: MessageEvent, type: ErrorType, reason: ErrorReason) -> AddressError:
    return AddressError(
        channel=row.channel,
        key=row.key or "",
        at=in_calendar(row.at),
        type=type,
        reason=reason,
        text=row.text or "",
        message=row.message,
        source=row.source,
        event_id=row.event_id,
    )


def _opt_out_holder(row: MessageEvent) -> None:
    """Opt out the one profile that has the address; of several nobody is certain."""
    held = addresses.with_key(row.channel, row.key or "")
    holders = set(held.values_list("profile_id", flat=True)[:2])
    if len(holders) == 1:
        unsubscribe(Link(holders.pop(), row.channel), row)


def unsubscribe(link: Link, row: MessageEvent) -> None:
    """What one-click does (RFC 8058), asked for by mail (RFC 2369) or at a provider."""
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
