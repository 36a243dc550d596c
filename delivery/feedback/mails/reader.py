"""Reading a mail that came back: bytes in, events out; nothing is stored or decided.

`read` is total: it answers for any bytes, in bounded time and memory. What it can't
make sense of is UNKNOWN, for a human to read.
"""

import functools
import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from django.utils import translation

from audiences.channels import Channel
from delivery.feedback import intake
from delivery.feedback.events import EventKind, FeedbackEvent
from delivery.feedback.intake import Findings
from delivery.feedback.mails import (
    arf,
    dsn,
    nonstandard,
    provider_notices,
    returned,
    signs,
    unsubscribe_mails,
)
from delivery.feedback.mails.dsn import NOTHING_TOLD, Surroundings
from delivery.feedback.mails.mime import LONGEST_TEXT, Part, take_apart
from delivery.feedback.mails.reading import SOURCE, MailKind, Reading
from delivery.models import InboundItem
from delivery.models.quarantine import ErrorType

# The parts of a report that humans see.
_MOST_WORDS = 16_000
_LONGEST_LINE = 2_000
_TAG = re.compile(r"<(?=[a-zA-Z/!])(?![^<>\s]{1,100}@)[^<>]{0,2000}>")
_BREAK = re.compile(
    r"<(?:br|p|/p|div|tr|li|/tr|/div|h\d)\b[^<>]{0,500}>", re.IGNORECASE
)
_HIDDEN = re.compile(r"<(/?)(?:style|script)\b[^<>]{0,500}>", re.IGNORECASE)
_MOST_HIDDEN = 50
# What becomes of a mail without events.
_OTHERWISE = {
    MailKind.AUTO_REPLY: InboundItem.State.IGNORED,
    MailKind.NOTICE: InboundItem.State.IGNORED,
    MailKind.UNREADABLE: InboundItem.State.UNREADABLE,
}
# How much of an unreadable mail is searched for addresses.
_SEARCHED = 50_000
_MOST_NAMES = 50
_ADDRESS = re.compile(rb"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")


def read(raw: bytes) -> Reading:
    """What happened, according to a mail; never raises."""
    try:
        return reading_of(raw)
    except Exception:
        # A mail that breaks the reader is our defect, and a human must read it.
        return Reading(kind=MailKind.UNREADABLE)


def reading_of(raw: bytes) -> Reading:
    """`read` without its guard; no mail is known to make it raise."""
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
    own, quoted = returned.split_quote(text)
    sent = returned.returned_by(mail, quoted)
    clue = returned.clue(mail, sent, recipients, text)
    complaint = arf.report_of(mail)
    if complaint is not None:
        events = arf.events_of(complaint, sent, clue)
        is_silent = arf.type_of(complaint) in arf.SILENT_TYPES
        silent = MailKind.NOTICE if is_silent else MailKind.UNKNOWN
        return (MailKind.COMPLAINT if events else silent), events
    words = own[:_MOST_WORDS]
    around = Surroundings(
        clue=clue,
        words=words,
        failed=nonstandard.failed_recipients(mail),
        sent_to=tuple(sent.recipients),
        at=dsn.date(mail.get("date")),
    )
    is_bounce = signs.looks_like_bounce(mail, words, returns=bool(sent.headers))
    status = dsn.status_text(mail, is_bounce=is_bounce)
    told = (dsn.events_of(status, around) if status else None) or NOTHING_TOLD
    if any(event.address for event in told.events):
        return MailKind.BOUNCE, told.events
    if told.is_complete:
        return MailKind.NOTICE, []
    kind, events = _unstandard(raw, mail, recipients, around, sent, is_bounce=is_bounce)
    if told.events and not any(event.address for event in events):
        return MailKind.BOUNCE, told.events
    return kind, events


def _unstandard(
    raw: bytes,
    mail: Part,
    recipients: tuple[str, ...],
    around: Surroundings,
    sent: returned.Returned,
    *,
    is_bounce: bool,
) -> tuple[MailKind, list[FeedbackEvent]]:
    """Mail without a report for programs, or with one that names nobody."""
    notices = provider_notices.events_of(mail, around.clue)
    if notices:
        return _kind_of(notices), notices
    # Before automatic replies, because Apple's unsubscribe mails claim to be one.
    wishes = unsubscribe_mails.wishes_of(mail, recipients)
    if wishes and not is_bounce:
        return MailKind.UNSUBSCRIBE, unsubscribe_mails.events_of(
            mail, wishes, around.clue
        )
    if is_bounce and signs.is_good_news(mail, around.words):
        return MailKind.NOTICE, []
    if is_bounce and not _is_reply(mail):
        events = nonstandard.events_of(raw, mail, around, sent)
        if events:
            return MailKind.BOUNCE, events
    if signs.is_receipt(mail, or_unread=True):
        return MailKind.NOTICE, []
    return (MailKind.AUTO_REPLY if _is_reply(mail) else MailKind.UNKNOWN), []


def _is_reply(mail: Part) -> bool:
    """Whether a machine answered for a person, or for a reader's program."""
    return signs.is_receipt(mail) or (
        signs.is_auto_reply(mail) and not signs.is_from_mailer(mail)
    )


def report_text(mail: Part) -> str:
    """The text that the reporter wrote, not that of the message returned."""
    texts: list[str] = []
    for part in _own_parts(mail):
        if part.content_type in {"text/plain", "text/html"}:
            text = part.text()
            texts.append(
                _without_tags(text) if part.content_type == "text/html" else text
            )
        if texts and sum(map(len, texts)) > _MOST_WORDS:
            break
    lines = "\n".join(texts)[:LONGEST_TEXT].replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(_without_gaps(lines.split("\n")))


def _without_gaps(lines: list[str]) -> Iterator[str]:
    """Reduce several empty lines to one."""
    was_empty = False
    for line in lines:
        is_empty = not line.strip()
        if not (is_empty and was_empty):
            yield line.rstrip()[:_LONGEST_LINE]
        was_empty = is_empty


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
    return html.unescape(_TAG.sub(" ", _BREAK.sub("\n", _shown(text))))


def _shown(text: str) -> str:
    """A page's text without its styles and scripts."""
    shown: list[str] = []
    is_hidden, begin = False, 0
    for mark in islice(_HIDDEN.finditer(text), _MOST_HIDDEN):
        if not is_hidden:
            shown.append(text[begin : mark.start()])
        is_hidden, begin = not mark[1], mark.end()
    return " ".join([*shown, "" if is_hidden else text[begin:]])


def _kind_of(events: list[FeedbackEvent]) -> MailKind:
    is_complaint = events[0].reason == "complaint"
    return MailKind.COMPLAINT if is_complaint else MailKind.BOUNCE


def _numbered(events: list[FeedbackEvent], mail: Part) -> list[FeedbackEvent]:
    """Number each event; a second copy of the mail gets the same numbers.

    They depend on what the mailer wrote, not on the route: a copy that came another way
    has other Received headers.
    """
    digest = hashlib.sha256(mail.get("message-id").encode("utf-8", "replace"))
    # Line ends, and the mark that an mbox puts before "From", depend on the route too.
    body = mail.body.replace(b"\r", b"").replace(b"\n>From ", b"\nFrom ").strip()
    digest.update(b"\0" + body[:LONGEST_TEXT])
    number = digest.hexdigest()[:40]
    once = {(event.kind, event.address): event for event in reversed(events)}
    return [
        replace(event, type=_type(event), event_id=f"{number}:{position}")
        for position, event in enumerate(reversed(once.values()), start=1)
    ]


def _type(event: FeedbackEvent) -> ErrorType:
    """Only a failure has a type that counts."""
    return event.type if event.kind == EventKind.FAILED else ErrorType.IGNORED


# ------------------------------------------------------------------ for the intake
def read_item(item: InboundItem) -> Findings:
    """The events of a mail; one that we cannot understand waits for a human."""
    raw = bytes(item.raw)
    reading = read(raw)
    otherwise = _OTHERWISE.get(reading.kind, InboundItem.State.UNCLEAR)
    understood = reading.events or otherwise == InboundItem.State.IGNORED
    return Findings(
        events=reading.events,
        otherwise=otherwise,
        note=_in_english(reading.kind),
        mentions=() if understood else _names(raw),
    )


@functools.cache
def _in_english(kind: MailKind) -> str:
    """What is stored is the same in every language; the console translates it."""
    with translation.override(None):
        return str(kind.label)


def _names(raw: bytes) -> tuple[tuple[str, str], ...]:
    """Addresses in a waiting mail, so that searches and erasures find it."""
    found = {m.decode("ascii", "replace") for m in _ADDRESS.findall(raw[:_SEARCHED])}
    return tuple((str(Channel.EMAIL), name) for name in sorted(found)[:_MOST_NAMES])


def register() -> None:
    """Let intake read mails."""
    intake.register(SOURCE, read_item)
