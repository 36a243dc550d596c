"""Messages that were sent, and reports about them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from audiences.models import Profile
from delivery import deliveries
from delivery.feedback import intake
from delivery.feedback.events import EventKind, FeedbackEvent, MessageClue
from delivery.models import Delivery, InboundItem, Message
from delivery.models.quarantine import ErrorReason, ErrorType
from delivery.quarantine import entry_of
from tests.people import person

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ADDRESS = "ann@shop.example"


def sent(
    address: str = ADDRESS,
    label: str = "News",
    at: datetime = AT,
    channel: str = "email",
    profile: Profile | None = None,
    **facts: Any,
) -> Message:
    """A message of a delivery to a person with the address."""
    delivery = Delivery.objects.filter(label=label).first()
    return Message.objects.create(
        delivery=delivery or deliveries.create(label, channel=channel),
        profile=profile or person(**{channel: address}),
        channel=channel,
        address=address,
        sent_at=at,
        **facts,
    )


def event(kind: str = EventKind.FAILED, **facts: Any) -> FeedbackEvent:
    """What a report says; a hard failure unless told otherwise."""
    clue = {
        name: facts.pop(name)
        for name in ("message_ids", "return_paths", "provider_id")
        if name in facts
    }
    if kind == EventKind.FAILED:
        facts.setdefault("type", ErrorType.HARD)
        facts.setdefault("reason", ErrorReason.USER_UNKNOWN)
    given: dict[str, Any] = {
        "channel": "email",
        "address": ADDRESS,
        "source": "mail",
        "at": AT + HOUR,
        **facts,
    }
    return FeedbackEvent(kind=EventKind(kind), clue=MessageClue(**clue), **given)


def item(raw: bytes = b"a report", source: str = "mail", **facts: Any) -> InboundItem:
    """Something that arrived a day after everything."""
    facts.setdefault("received_at", AT + 9 * DAY)
    return intake.receive(source, raw, **facts)[0]


def status(address: str = ADDRESS, channel: str = "email") -> str:
    entry = entry_of(channel, address)
    return entry.status if entry else "none"


def dsn(message_id: str, address: str = ADDRESS, status: str = "5.1.1") -> bytes:
    """A delivery status notification (RFC 3464) that returns the message's header."""
    return f"""\
From: Mail Delivery Subsystem <mailer-daemon@mx.example>
To: bounces@mail.example
Subject: Undelivered mail
Date: Fri, 01 May 2026 13:00:00 +0000
Message-ID: <report-{message_id}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

The mail could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {address}
Action: failed
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such user here

--b
Content-Type: text/rfc822-headers

Message-ID: <{message_id}>
From: news@mail.example
To: {address}
Subject: News

--b--
""".encode()
