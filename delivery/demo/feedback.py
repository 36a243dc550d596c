"""The demo's feedback: text messages, bounces, and items that wait for an operator.

All of it enters as it would from a mailbox or a provider.
"""

import json
from datetime import datetime, timedelta
from email.message import EmailMessage

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
To: bounces@news.example
Subject: Undelivered mail
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
Status: 5.2.1
Diagnostic-Code: smtp; 550 5.2.1 This account is disabled

--b
Content-Type: text/rfc822-headers

Return-Path: <{return_path}>
To: {address}
Subject: Weekly newsletter

--b--
"""


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
        _mail(
            _BOUNCE.format(
                address=message.address, return_path=f"bounces+{tag}@news.example"
            ).encode()
        )
    _mail(_question())


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


def _mail(raw: bytes) -> InboundItem:
    item, _is_new = intake.receive(MAIL, raw)
    return intake.process(item)


def _question() -> bytes:
    mail = EmailMessage()
    mail["From"] = "Sanne <sanne@post.example>"
    mail["To"] = "bounces@news.example"
    mail["Subject"] = "Your newsletter"
    mail.set_content("Could you send it to my work address from now on?")
    return mail.as_bytes()
