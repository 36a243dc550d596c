"""Amazon SES notices that come by mail: its JSON, forwarded by a mail subscription.

Without a signature it is as unproved as any bounce; matching decides.
"""

import json
from dataclasses import replace
from typing import Any

from delivery.feedback.events import EventKind, FeedbackEvent, MessageClue
from delivery.feedback.mails import addresses
from delivery.feedback.mails.classification import classify
from delivery.feedback.mails.dsn import LONGEST_EVIDENCE, MOST_RECIPIENTS
from delivery.feedback.mails.mime import Part
from delivery.feedback.mails.reading import MailEvent
from delivery.models.quarantine import ErrorReason

_KINDS = {
    "bounce": ("bounce", "bouncedRecipients", EventKind.FAILED),
    "complaint": ("complaint", "complainedRecipients", EventKind.COMPLAINT),
    "delivery": ("delivery", "recipients", EventKind.DELIVERED),
}


def events_of(mail: Part, clue: MessageClue) -> list[FeedbackEvent]:
    """The events of a notice, or none if the mail holds no notice."""
    notice = _notice(mail)
    named = _KINDS.get(str(notice.get("notificationType", "")).lower())
    details = notice.get(named[0]) if named else None
    if named is None or not isinstance(details, dict):
        return []
    if details.get("complaintFeedbackType") not in (None, "", "abuse", "opt-out"):
        return []
    clue = _clue(notice.get("mail"), clue)
    recipients = details.get(named[1])
    listed = recipients[:MOST_RECIPIENTS] if isinstance(recipients, list) else []
    events = [_event(entry, named[2], details, clue) for entry in listed or [""]]
    return [event for event in events if event is not None]


def _event(
    entry: Any, kind: EventKind, details: dict[str, Any], clue: MessageClue
) -> FeedbackEvent | None:
    facts = entry if isinstance(entry, dict) else {"emailAddress": entry}
    address = addresses.clean(str(facts.get("emailAddress", "")))
    # Amazon's number says whose a notice is that hides its recipient.
    if not address and not clue.provider_id:
        return None
    answer = str(facts.get("diagnosticCode", ""))
    status = str(facts.get("status", ""))
    verdict = classify(answer, status=status)
    is_failure = kind == EventKind.FAILED
    if is_failure and details.get("bounceType") == "Transient":
        verdict = classify(answer, status=status or "4.0.0")
    reason = ErrorReason.COMPLAINT if kind == EventKind.COMPLAINT else verdict.reason
    event = MailEvent(
        kind=kind,
        address=address,
        reason=reason,
        status_code=verdict.status_code,
        text=answer[:LONGEST_EVIDENCE],
        clue=clue,
        is_formal=False,
    )
    return replace(event, type=verdict.type) if is_failure else event


def _clue(sent: Any, clue: MessageClue) -> MessageClue:
    """Amazon's number of the message, and the message's own."""
    if not isinstance(sent, dict):
        return clue
    headers = sent.get("commonHeaders")
    own = headers.get("messageId") if isinstance(headers, dict) else None
    return replace(
        clue,
        provider_id=str(sent.get("messageId") or "")[:250],
        message_ids=(str(own).strip("<>")[:250],) if own else clue.message_ids,
    )


def _notice(mail: Part) -> dict[str, Any]:
    for part in mail.walk():
        # Amazon breaks long lines anywhere, and begins the next one with a space.
        text = (
            "" if part.parts else part.text().replace("\r\n", "\n").replace("\n ", "")
        )
        start = text.find("{")
        if start < 0 or "notificationType" not in text:
            continue
        return _unwrapped(_parsed(text[start:]))
    return {}


def _unwrapped(notice: dict[str, Any]) -> dict[str, Any]:
    """The text inside the notification service's envelope."""
    message = notice.get("Message")
    return _parsed(message) if isinstance(message, str) else notice


def _parsed(text: str) -> dict[str, Any]:
    try:
        found, _end = json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
