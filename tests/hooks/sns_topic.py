"""A topic of Amazon SNS: a certificate of our own, served where Amazon serves its own."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from delivery.hooks import sns

from .calls import TOPIC, Call

CERTIFICATE_URL = (
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(days: int = 30) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    begin = datetime.now(UTC) - timedelta(days=60)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(datetime.now(UTC) + timedelta(days=days))
        .sign(KEY, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def serve(monkeypatch: pytest.MonkeyPatch, days: int = 30) -> list[str]:
    """Answer for Amazon; returns the list of the addresses that are fetched."""
    sns._certificate.cache_clear()
    fetched: list[str] = []

    def answer(url: str) -> bytes:
        fetched.append(url)
        return certificate(days)

    monkeypatch.setattr(sns, "fetch", answer)
    return fetched


def notification(content: Any, version: str = "2", **changed: str) -> Call:
    """A signed notification; `changed` is changed after it was signed."""
    fields = {
        "Type": "Notification",
        "MessageId": "11111111-2222",
        "TopicArn": TOPIC,
        "Message": json.dumps(content),
        "Timestamp": "2026-11-20T10:00:00.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
    }
    return signed(fields, **changed)


def confirmation(topic: str = TOPIC, **changed: str) -> Call:
    host = f"https://sns.{topic.split(':')[3]}.amazonaws.com"
    fields = {
        "Type": "SubscriptionConfirmation",
        "MessageId": "33333333-4444",
        "TopicArn": topic,
        "Message": "You have chosen to subscribe",
        "SubscribeURL": f"{host}/?Action=ConfirmSubscription&Token=abc",
        "Token": "abc",
        "Timestamp": "2026-11-20T10:00:00.000Z",
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
    }
    return signed(fields, **changed)


def signed(fields: dict[str, str], **changed: str) -> Call:
    algorithm = hashes.SHA1() if fields["SignatureVersion"] == "1" else hashes.SHA256()
    text = sns.signed_text(fields)
    signature = KEY.sign(text, padding.PKCS1v15(), algorithm)
    whole = {**fields, "Signature": base64.b64encode(signature).decode(), **changed}
    return Call(
        "/hooks/anymail/amazon_ses/tracking/",
        json.dumps(whole).encode(),
        "text/plain; charset=UTF-8",
        {
            "x-amz-sns-message-type": whole["Type"],
            "x-amz-sns-message-id": whole["MessageId"],
        },
    )
