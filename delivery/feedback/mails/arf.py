"""Complaint reports: the abuse reporting format (RFC 5965).

`abuse` and `opt-out` express a person's wish. `not-spam`, `auth-failure`, `virus` say
nothing about what a recipient wants. What any other type (`fraud`, `other`, one that is
in no register) means, a human decides.
"""

import re

from delivery.feedback.events import EventKind, FeedbackEvent, MessageClue
from delivery.feedback.mails import addresses
from delivery.feedback.mails.dsn import MOST_RECIPIENTS, date
from delivery.feedback.mails.mime import Part, header_fields
from delivery.feedback.mails.reading import MailEvent
from delivery.feedback.mails.returned import Returned
from delivery.models.quarantine import ErrorReason

ACTING_TYPES = {"abuse", "opt-out", "opt-out-list"}
SILENT_TYPES = {"not-spam", "auth-failure", "virus"}
_TYPE = re.compile(r"[\w-]+")
_HOTMAIL = "x-hmxmroriginalrecipient"
# Where a returned message may name the one who complained, beside To.
_RECIPIENT_HEADERS = ("x-original-to", "delivered-to")


def report_of(mail: Part) -> list[tuple[str, str]] | None:
    """The fields of a complaint report; None for any other mail."""
    for part in mail.own():
        if part.content_type == "message/feedback-report":
            return header_fields(part.text())
    # Hotmail's loop forwards the message and names the recipient in a header of it.
    for part in mail.walk():
        if recipient := part.get(_HOTMAIL):
            return [("feedback-type", "abuse"), ("original-rcpt-to", recipient)]
    return None


def events_of(
    fields: list[tuple[str, str]], returned: Returned, clue: MessageClue
) -> list[FeedbackEvent]:
    """A complaint for each recipient; none for reports that concern nobody.

    A report that hides its recipient is a complaint without an address: its number
    says whose it is, or a human finds out.
    """
    kind = type_of(fields)
    if kind not in ACTING_TYPES:
        return []
    when = next(
        (v for name, v in fields if name in {"arrival-date", "received-date"}), ""
    )
    return [
        MailEvent(
            kind=EventKind.COMPLAINT,
            address=address,
            reason=ErrorReason.COMPLAINT,
            text=kind,
            at=date(when),
            clue=clue,
        )
        for address in _complainers(fields, returned)[:MOST_RECIPIENTS] or [""]
    ]


def type_of(fields: list[tuple[str, str]]) -> str:
    """The type of the feedback, empty where the report has none."""
    told = next((v for name, v in fields if name == "feedback-type"), "")
    # Some write a comment or a semicolon behind it.
    found = _TYPE.match(told.strip().lower())
    return found[0] if found else ""


def _complainers(fields: list[tuple[str, str]], returned: Returned) -> list[str]:
    """The recipients that the report names, else the returned message's only one."""
    named = [
        address
        for name, value in fields
        if name in {"original-rcpt-to", "removal-recipient"}
        and (address := addresses.clean(value))
    ]
    if named:
        return list(dict.fromkeys(named))
    for header in _RECIPIENT_HEADERS:
        found = addresses.of_header(*returned.all(header))
        if len(found) == 1:
            return found
    return returned.recipients if len(returned.recipients) == 1 else []
