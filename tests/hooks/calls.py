"""Calls of providers as they come: signed as each signs, to a site with known secrets."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.http import HttpResponse
from django.test import Client

from delivery.feedback import intake
from delivery.hooks.signatures import mailgun_signature, shared_signature
from delivery.hooks.twilio import twilio_signature

SITE = "https://news.example.org"
TWILIO_TOKEN, SMS_SECRET = "token-of-twilio-1", "secret-of-the-sms-hook"
PASSWORD, MAILGUN_KEY = "campaign:a-long-enough-password", "key-of-mailgun-1"
SVIX_SECRET = "whsec_" + base64.b64encode(b"secret of resend").decode()
SENDGRID_KEY = ec.generate_private_key(ec.SECP256R1())
TOPIC = "arn:aws:sns:eu-west-1:123456789012:campaign-feedback"

SECRETS: dict[str, Any] = {
    "BASE_URL": SITE,
    "TWILIO_AUTH_TOKENS": [TWILIO_TOKEN],
    "SMS_WEBHOOK_SECRETS": [SMS_SECRET],
    "EMAIL_WEBHOOK_SECRETS": [PASSWORD],
    "MAILGUN_SIGNING_KEYS": [MAILGUN_KEY],
    "RESEND_SIGNING_SECRETS": [SVIX_SECRET],
    "SENDGRID_VERIFICATION_KEYS": [
        base64.b64encode(
            SENDGRID_KEY.public_key().public_bytes(
                serialization.Encoding.DER,
                serialization.PublicFormat.SubjectPublicKeyInfo,
            )
        ).decode()
    ],
    "SNS_TOPICS": [TOPIC],
}


@dataclass
class Call:
    """One call: where to, what, and how it is proved."""

    path: str
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def post(self, client: Client | None = None) -> HttpResponse:
        """The answer, once a worker has read what was stored."""
        response = self.call(client)
        for _item in intake.process_waiting():
            pass
        return response

    def call(self, client: Client | None = None) -> HttpResponse:
        """The answer; what was stored is left to a worker."""
        return (client or Client()).generic(
            "POST", self.path, self.body, self.content_type, headers=self.headers
        )


FORM = "application/x-www-form-urlencoded"


def twilio(
    fields: dict[str, str], place: str = "inbound", token: str = TWILIO_TOKEN
) -> Call:
    path = f"/hooks/twilio/{place}"
    given = {"AccountSid": "AC1", "ApiVersion": "2010-04-01", **fields}
    signature = twilio_signature(
        SITE + path, {name: [value] for name, value in given.items()}, token
    )
    return Call(
        path, urlencode(given).encode(), FORM, {"X-Twilio-Signature": signature}
    )


def text_message(
    body: str, number: str = "+31612345678", sid: str = "", **more: str
) -> Call:
    sid = (
        sid
        or "SM" + hashlib.md5(f"{body}{number}{time.time_ns()}".encode()).hexdigest()
    )
    fields = {"MessageSid": sid, "From": number, "To": "+3197010240000", "Body": body}
    return twilio({**fields, **more})


def generic(
    place: str,
    content: Any,
    secret: str = SMS_SECRET,
    at: float | None = None,
    *,
    named: bool = True,
) -> Call:
    """A call of the generic hook; `named`: its signature covers which hook it is for."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    timestamp = str(int(at if at is not None else time.time()))
    signed = f"{place}.".encode() + body if named else body
    signature = "sha256=" + shared_signature(timestamp, signed, secret)
    headers = {"X-Campaign-Timestamp": timestamp, "X-Campaign-Signature": signature}
    return Call(f"/hooks/sms/{place}", body, headers=headers)


def by_password(provider: str, content: Any, password: str = PASSWORD) -> Call:
    encoded = base64.b64encode(password.encode()).decode()
    return Call(
        f"/hooks/anymail/{provider}/tracking/",
        content if isinstance(content, bytes) else json.dumps(content).encode(),
        headers={"Authorization": f"Basic {encoded}"},
    )


def mailgun(
    event: dict[str, Any], token: str = "t" * 50, at: float | None = None
) -> Call:
    timestamp = str(int(at if at is not None else time.time()))
    signature = mailgun_signature(timestamp, token, MAILGUN_KEY)
    block = {"timestamp": timestamp, "token": token, "signature": signature}
    body = json.dumps({"signature": block, "event-data": event}).encode()
    return Call("/hooks/anymail/mailgun/tracking/", body)


def sendgrid(events: list[dict[str, Any]], at: float | None = None) -> Call:
    body = json.dumps(events).encode()
    timestamp = str(int(at if at is not None else time.time()))
    signature = SENDGRID_KEY.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return Call(
        "/hooks/anymail/sendgrid/tracking/",
        body,
        headers={
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(
                signature
            ).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        },
    )


def resend(event: dict[str, Any], at: float | None = None) -> Call:
    body = json.dumps(event).encode()
    timestamp = str(int(at if at is not None else time.time()))
    digest = hmac.new(
        b"secret of resend", f"msg_1.{timestamp}.".encode() + body, hashlib.sha256
    )
    return Call(
        "/hooks/anymail/resend/tracking/",
        body,
        headers={
            "svix-id": "msg_1",
            "svix-timestamp": timestamp,
            "svix-signature": f"v1,{base64.b64encode(digest.digest()).decode()}",
        },
    )


Maker = Callable[[], Call]
