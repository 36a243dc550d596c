"""A mail that came back, read: bytes in, events out, nothing stored and nothing decided.

`read` is total: whatever the bytes are, it answers, in bounded time and memory. What it
can't make sense of is UNKNOWN, for a human to look at.
"""

import hashlib
import html
import re
from dataclasses import replace

from . import (
    arf,
    auto_replies,
    dsn,
    nonstandard,
    provider_notices,
    returned,
    unsubscribe_mails,
)
from .dsn import Surroundings
from .events import FeedbackEvent
from .mime import LONGEST_TEXT, Part, take_apart
from .reading import MailKind, Reading

# What human readers of a report see.
_MOST_WORDS = 16_000
_TAG = re.compile(r"<(?=[a-zA-Z/!])(?![^<>\s]{1,100}@)[^<>]{0,2000}>")
_BREAK = re.compile(r"<(?:br|p|/p|div|tr|li|/tr|/div|h\d)\b[^<>]{0,500}>", re.IGNORECASE)
_HIDDEN = re.compile(r"<(style|script)\b.{0,20000}?</\1>", re.IGNORECASE | re.DOTALL)


def read(raw: bytes) -> Reading:
    """What a mail says happened; never raises."""
    try:
        return _read(raw)
    except Exception:  # noqa: BLE001
        # A mail that breaks the reader is a defect of ours, and a human's to read.
        return Reading(kind=MailKind.UNREADABLE)


def _read(raw: bytes) -> Reading:
    mail = take_apart(raw)
    if not mail.headers:
        return Reading(kind=MailKind.UNREADABLE)
    recipients = returned.recipients_of(mail)
    kind, events = _kind_and_events(raw, mail, recipients)
    return Reading(
        kind=kind, events=tuple(_numbered(events, mail)), recipients=recipients
    )


def _kind_and_events(
    raw: bytes, mail: Part, recipients: tuple[str, ...]
) -> tuple[MailKind, list[FeedbackEvent]]:
    text = report_text(mail)
    sent = returned.returned_by(mail, text)
    clue = returned.clue(mail, sent)
    complaint = arf.report_of(mail)
    if complaint is not None:
        events = arf.events_of(complaint, sent, clue)
        return (MailKind.COMPLAINT if events else MailKind.NOTICE), events
    words = returned.split_quote(text)[0][:_MOST_WORDS]
    around = Surroundings(
        clue=clue,
        words=words,
        failed=nonstandard.failed_recipients(mail),
        at=dsn.date(mail.get("date")),
    )
    status = dsn.status_text(mail)
    found = dsn.events_of(status, around) if status else None
    if found:
        return MailKind.BOUNCE, found
    notices = provider_notices.events_of(mail, clue)
    if notices:
        return _kind_of(notices), notices
    return _unstandard(raw, mail, recipients, around, sent, has_status=found is not None)


def _unstandard(
    raw: bytes,
    mail: Part,
    recipients: tuple[str, ...],
    around: Surroundings,
    sent: returned.Returned,
    *,
    has_status: bool,
) -> tuple[MailKind, list[FeedbackEvent]]:
    """Mail without a report that machines read."""
    wishes = unsubscribe_mails.unsubscribe_addresses(recipients)
    if wishes and not mail.get("auto-submitted").lower().startswith("auto-replied"):
        return MailKind.UNSUBSCRIBE, unsubscribe_mails.events_of(mail, wishes)
    is_bounce = nonstandard.looks_like_bounce(mail, around.words)
    if auto_replies.is_auto_reply(mail) and not is_bounce:
        return MailKind.AUTO_REPLY, []
    if is_bounce:
        events = nonstandard.events_of(raw, mail, around, sent)
        if events:
            return MailKind.BOUNCE, events
    return (MailKind.NOTICE if has_status else MailKind.UNKNOWN), []


def report_text(mail: Part) -> str:
    """The text that the reporter wrote, not that of the message returned."""
    texts: list[str] = []
    for part in _own_parts(mail):
        if part.content_type in {"text/plain", "text/html"}:
            text = part.text()
            texts.append(_without_tags(text) if part.content_type == "text/html" else text)
        if texts and sum(map(len, texts)) > _MOST_WORDS:
            break
    return "\n".join(texts)[:LONGEST_TEXT].replace("\r\n", "\n").replace("\r", "\n")


def _own_parts(mail: Part) -> list[Part]:
    """The parts outside any returned message, plain text before its HTML."""
    found: list[Part] = []
    waiting = [mail]
    while waiting:
        part = waiting.pop(0)
        if not part.content_type.startswith("message/"):
            waiting = [*part.parts, *waiting]
            if not part.parts:
                found.append(part)
    plain = [part for part in found if part.content_type == "text/plain"]
    return plain or found


def _without_tags(text: str) -> str:
    return html.unescape(_TAG.sub(" ", _BREAK.sub("\n", _HIDDEN.sub(" ", text))))


def _kind_of(events: list[FeedbackEvent]) -> MailKind:
    is_complaint = events[0].reason == "complaint"
    return MailKind.COMPLAINT if is_complaint else MailKind.BOUNCE


def _numbered(
    events: list[FeedbackEvent], mail: Part
) -> list[FeedbackEvent]:
    """Each event with a number of its own: the same mail again has the same ones.

    By what the mailer wrote, not by what it went through: a copy that came another way
    has other Received headers.
    """
    digest = hashlib.sha256(mail.get("message-id").encode("utf-8", "replace"))
    digest.update(b"\0" + mail.body.strip())
    number = digest.hexdigest()[:40]
    return [
        replace(event, event_id=f"{number}:{position}")
        for position, event in enumerate(events, start=1)
    ]
