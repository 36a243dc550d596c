"""The demo's feedback: bounces, complaints, text messages, and what waits for somebody.

All of it enters as it would from a mailbox or a provider, so that every figure about it
is of the same facts.
"""

import json
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from django.utils import timezone

from audiences.channels import Channel
from audiences.models import Address
from delivery.feedback import intake, return_path
from delivery.feedback.mails.reading import SOURCE as MAIL
from delivery.feedback.text_messages import inbound
from delivery.feedback.text_messages.inbound import InboundText
from delivery.hooks.envelope import packed
from delivery.hooks.sms import SOURCE as SMS
from delivery.models import Delivery, InboundItem, Message

# What people write; one needs a person to read it, and holds the number until then.
TEXTS = (
    ("STOP", 6),
    ("Stop please", 5),
    ("wie is dit?? niet meer doen", 1.2),
    ("ok but maybe not so many", 0.4),
)
OUR_NUMBER = "1008"
_BOUNCE = """\
From: Mail Delivery Subsystem <mailer-daemon@mx.example>
To: bounces@library.example
Subject: Undelivered mail
Date: {date}
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
Diagnostic-Code: smtp; {said}
Last-Attempt-Date: {date}

--b
Content-Type: text/rfc822-headers

Return-Path: <{return_path}>
To: {address}
Subject: Weekly newsletter

--b--
"""


_COMPLAINT = """\
From: feedback@mx.example
To: bounces@library.example
Subject: Complaint about a message
Date: {date}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: text/plain

Somebody has called this mail spam.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: mx.example/1.0
Version: 1
Original-Rcpt-To: {address}
Arrival-Date: {date}

--b
Content-Type: text/rfc822-headers

Return-Path: <{return_path}>
To: {address}
Subject: Weekly newsletter

--b--
"""
# What comes back of a newsletter: one message in so many, which, and what is said.
_REPORTS = (
    (700, lambda days: days, _BOUNCE, "5.1.1", "550 5.1.1 No such user"),
    (900, lambda days: 50, _BOUNCE, "4.2.2", "452 4.2.2 Mailbox full"),
    (1600, lambda days: 80 + days, _COMPLAINT, "", ""),
)
# An outage of a provider, whose addresses are released together.
_OUTAGE = (2000, 90, 14)
_OUTAGE_SAID = ("5.4.4", "554 5.4.4 Host not found: outage at work.example")


def reports(delivery: Delivery, days: int) -> None:
    """Bounces and complaints about a newsletter that was handed over days ago."""
    rows = delivery.messages.order_by("profile_id").exclude(address="")
    items = []
    for position, message in enumerate(rows.iterator()):
        step, rest, latest = _OUTAGE
        if position % step == rest and days <= latest:
            items.append(_report(message, _BOUNCE, *_OUTAGE_SAID))
            continue
        for step, which, text, status, said in _REPORTS:
            if position % step == which(days):
                items.append(_report(message, text, status, said))
                break
    intake.process_all(InboundItem.objects.filter(pk__in=items).order_by("pk"))


def _report(message: Message, text: str, status: str, said: str) -> int:
    """A report about a message, which proves itself by the return path; its item."""
    at = message.sent_at + timedelta(minutes=5)
    token = return_path.token(message.delivery_id, message.profile_id)
    mail = text.format(
        address=message.address,
        return_path=f"bounces+{token}@library.example",
        status=status,
        said=said,
        date=format_datetime(at),
    )
    return intake.receive(MAIL, mail.encode(), received_at=at)[0].pk


def load(delivery: Delivery) -> None:
    """Feedback on a delivery that was handed over, and texts from recipients."""
    numbers = Address.objects.filter(channel=Channel.SMS, is_valid=True)
    senders = numbers.order_by("id")[3_000 : 3_000 + 100 * len(TEXTS) : 100]
    for (text, days), sender in zip(TEXTS, senders, strict=False):
        _text(sender.key, text, timezone.now() - timedelta(days=days))
    messages = list(
        Message.objects.filter(delivery=delivery).order_by("pk")[1_000:1_004]
    )
    for number, message in enumerate(messages):
        # The last one comes back to an address that proves nothing.
        token = return_path.token(delivery.pk, message.profile_id)
        tag = token if number < len(messages) - 1 else "unknown"
        now = timezone.now()
        bounce = _BOUNCE.format(
            address=message.address,
            return_path=f"bounces+{tag}@library.example",
            status="5.2.1",
            said="550 5.2.1 This account is disabled",
            date=format_datetime(now),
        )
        _mail(bounce.encode(), now)
    _mail(_question(), timezone.now())


def _text(number: str, words: str, at: datetime) -> None:
    """A text message as the general webhook stores and reads it."""
    told = {"id": f"demo-{number}", "from": number, "to": OUR_NUMBER, "text": words}
    body = json.dumps({**told, "at": at.isoformat()}).encode()
    item, _is_new = intake.receive(
        SMS,
        packed("inbound", [("Content-Type", "application/json")], body),
        external_id=f"inbound:{told['id']}",
        channel=Channel.SMS,
        received_at=at,
        is_verified=True,
    )
    text = InboundText(
        number=number, to=OUR_NUMBER, text=words, event_id=told["id"], at=at
    )
    inbound.take(text, item)


def _mail(raw: bytes, at: datetime) -> None:
    item, _is_new = intake.receive(MAIL, raw, received_at=at)
    intake.process(item)


def _question() -> bytes:
    mail = EmailMessage()
    mail["From"] = "Sanne <sanne@post.example>"
    mail["To"] = "bounces@library.example"
    mail["Subject"] = "Your newsletter"
    mail.set_content("Could you send it to my work address from now on?")
    return mail.as_bytes()
