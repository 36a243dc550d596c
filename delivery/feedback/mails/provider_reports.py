"""What the webhooks of email providers say, as events.

django-anymail reads each provider's format and gives it one shape. What it leaves open,
whether a bounce is hard or soft and why, is in email_reports.csv by the provider's own
fields, the first row that fits. The answer of the recipient's server, where the report
quotes it, comes first for what a provider calls a permanent failure: 5.x.x alone is no
dead address, and a block of our reputation or content says nothing about it.
"""

import csv
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason

from audiences.channels import Channel
from delivery.feedback.events import EventKind, FeedbackEvent, MessageClue
from delivery.feedback.mails.arf import SILENT_TYPES
from delivery.feedback.mails.classification import classify
from delivery.models.quarantine import ErrorReason, ErrorType

_FILE = Path(__file__).with_name("email_reports.csv")

# What happened, in anymail's terms; others say nothing about an address.
KINDS = {
    EventType.BOUNCED: EventKind.FAILED,
    EventType.REJECTED: EventKind.FAILED,
    EventType.FAILED: EventKind.FAILED,
    EventType.DEFERRED: EventKind.DELAYED,
    EventType.DELIVERED: EventKind.DELIVERED,
    EventType.COMPLAINED: EventKind.COMPLAINT,
    EventType.UNSUBSCRIBED: EventKind.UNSUBSCRIBE,
}
# The reasons, in anymail's terms, where the table has no row. Nothing here is hard.
REASONS = {
    RejectReason.BOUNCED: (ErrorType.SOFT, ErrorReason.NOT_DEFINED),
    RejectReason.INVALID: (ErrorType.SOFT, ErrorReason.USER_UNKNOWN),
    RejectReason.TIMED_OUT: (ErrorType.SOFT, ErrorReason.UNREACHABLE),
    RejectReason.BLOCKED: (ErrorType.IGNORED, ErrorReason.REFUSED),
    RejectReason.SPAM: (ErrorType.IGNORED, ErrorReason.REFUSED),
    RejectReason.UNSUBSCRIBED: (ErrorType.IGNORED, ErrorReason.ERROR_IGNORED),
    RejectReason.OTHER: (ErrorType.SOFT, ErrorReason.NOT_DEFINED),
}
# A server's answer begins with its codes.
_QUOTED = re.compile(r"(?:^|[\s;:<(])[245]\d\d[ -]|\b[245]\.\d{1,3}\.\d{1,3}\b")
_UNKNOWN = (ErrorType.IGNORED, ErrorReason.NOT_DEFINED)


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """A row of the table: what a field of a provider's report means to us."""

    provider: str
    field: str
    value: str
    kind: EventKind
    type: ErrorType
    reason: ErrorReason


def read_rows() -> list[ReportRow]:
    """The table, in its order."""
    with _FILE.open(encoding="utf-8", newline="") as lines:
        return [
            ReportRow(
                provider=cells["provider"],
                field=cells["field"],
                value=cells["value"].lower(),
                kind=EventKind(cells["kind"]),
                type=ErrorType(cells["type"] or "ignored"),
                reason=ErrorReason(cells["reason"]),
            )
            for cells in csv.DictReader(lines)
        ]


ROWS = read_rows()


def event_of(report: AnymailTrackingEvent, provider: str) -> FeedbackEvent | None:
    """The event of a report; None when it says nothing about an address.

    Opened and clicked say nothing, nor does a report with neither a recipient nor a
    number. One that hides its recipient is about the message that has the number.
    """
    kind = KINDS.get(report.event_type)
    address, clue = _text(report.recipient, 500), _clue(report)
    if kind is None or not (address or clue.provider_id) or _is_no_complaint(report):
        return None
    event = FeedbackEvent(
        kind=kind,
        channel=Channel.EMAIL,
        address=address,
        source=provider,
        text=_text(report.mta_response or report.description, 2_000),
        at=report.timestamp,
        event_id=_event_id(report, provider, address),
        clue=clue,
    )
    row = _row_of(report, provider)
    if row is not None and row.kind != EventKind.FAILED:
        event = replace(event, kind=row.kind)
    elif row is not None and kind == EventKind.COMPLAINT:
        event = replace(event, kind=EventKind.FAILED)
    if event.kind == EventKind.FAILED:
        event = _with_reason(event, report, row)
    return event


def _is_no_complaint(report: AnymailTrackingEvent) -> bool:
    """A feedback type that speaks of no complaint (RFC 5965, 6430)."""
    return (
        report.event_type == EventType.COMPLAINED
        and str(report.description).strip().lower() in SILENT_TYPES
    )


def _with_reason(
    event: FeedbackEvent, report: AnymailTrackingEvent, row: ReportRow | None
) -> FeedbackEvent:
    answer = _answer(report)
    verdict = classify(answer)
    type_, reason = REASONS.get(report.reject_reason, _UNKNOWN)
    if row is not None:
        type_, reason = row.type, row.reason
    if verdict.is_told and (row is None or row.type != ErrorType.IGNORED):
        reason = verdict.reason
        # The provider may know that it is temporary; nothing makes it harder than that.
        soft = row is not None and row.type == ErrorType.SOFT
        type_ = ErrorType.SOFT if soft and verdict.type == "hard" else verdict.type
    elif type_ == ErrorType.HARD and _QUOTED.search(answer):
        # "Permanent" is a class; the server's answer says nothing of a dead address.
        type_, reason = ErrorType.SOFT, ErrorReason.NOT_DEFINED
    return replace(event, type=type_, reason=reason, status_code=verdict.status_code)


def _answer(report: AnymailTrackingEvent) -> str:
    """The answer of the recipient's server, if the report quotes it.

    What a provider tells people in its own words is none.
    """
    # Mailjet quotes it in a field that anymail doesn't read.
    if text := _text(report.mta_response or _field(report, "comment"), 2_000):
        return text
    told = _text(report.description, 2_000)
    return told if _QUOTED.search(told) else ""


def _row_of(report: AnymailTrackingEvent, provider: str) -> ReportRow | None:
    if KINDS.get(report.event_type) not in (EventKind.FAILED, EventKind.COMPLAINT):
        return None
    for row in ROWS:
        if row.provider == provider and _field(report, row.field) == row.value:
            return row
    return None


def _field(report: AnymailTrackingEvent, path: str) -> str:
    """A field of the provider's own report, lower case; "a.b" is b within a."""
    found: Any = report.esp_event
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return ""
        found = found.get(name)
    return str(found).lower() if isinstance(found, str | int) else ""


def _event_id(report: AnymailTrackingEvent, provider: str, address: str) -> str:
    """The provider's number of the event and the recipient; else a digest of both.

    One report may be about several recipients, and some providers number nothing.
    Mailgun gives a repeated call another token, and its own number counts for a day.
    """
    if provider == "mailgun":
        number = _field(report, "event-data.id")
        own = f"{number}|{report.timestamp}" if number else ""
    else:
        own = report.event_id or ""
    own = own or "|".join(
        map(str, (report.message_id, report.event_type, report.timestamp))
    )
    return hashlib.sha256(f"{own}|{address}".encode(errors="replace")).hexdigest()


def _clue(report: AnymailTrackingEvent) -> MessageClue:
    given = _text(report.message_id, 255)
    bare = given.strip("<>")
    return MessageClue(
        message_ids=(bare,) if "@" in bare else (), provider_id=bare or given
    )


def _text(value: Any, longest: int) -> str:
    return str(value).replace("\0", "")[:longest] if value else ""
