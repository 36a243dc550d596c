"""Signatures of providers, compared in constant time.

Each takes all current secrets, so that one can be replaced without losing calls. An
empty secret verifies nothing.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from .gate import HookRefused, Outcome


def require(present: bool, outcome: Outcome = Outcome.WRONG_SIGNATURE) -> None:
    """Refuse the call unless the condition holds."""
    if not present:
        raise HookRefused(outcome)


def same(given: str, wanted: str) -> bool:
    """Whether two texts are equal, in a time that does not reveal where they differ."""
    return hmac.compare_digest(given.encode(errors="replace"), wanted.encode())


def same_as_any(given: str, wanted: Iterable[str]) -> bool:
    """Whether a text is one of several; all are compared."""
    return sum(same(given, text) for text in wanted) > 0


def require_fresh(timestamp: str, now: datetime | None = None) -> None:
    """Refuse a call that was signed too long ago, or in the future (in Unix time)."""
    text = timestamp.strip()
    require(text.isascii() and text.isdecimal() and len(text) <= 12, Outcome.OUTDATED)
    age = timedelta(seconds=(now or timezone.now()).timestamp() - int(text))
    allowed = timedelta(seconds=settings.WEBHOOK_FRESH_SECONDS)
    require(abs(age) <= allowed, Outcome.OUTDATED)


# ------------------------------------------------------------------ a shared secret
def shared_signature(timestamp: str, body: bytes, secret: str) -> str:
    """HMAC-SHA256 of the timestamp, a full stop and the body, in hexadecimal digits."""
    signed = timestamp.encode(errors="replace") + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def is_signed_by(
    timestamp: str, body: bytes, signature: str, secrets: Sequence[str]
) -> bool:
    """Whether one of our secrets has signed this body at this moment."""
    given = signature.strip().lower().removeprefix("sha256=")
    return bool(given) and same_as_any(
        given, [shared_signature(timestamp, body, key) for key in secrets if key]
    )


# ------------------------------------------------------------------ email providers
def mailgun_signature(timestamp: str, token: str, key: str) -> str:
    """HMAC-SHA256 of timestamp and token, without the body."""
    signed = f"{timestamp}{token}".encode(errors="replace")
    return hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


def is_signed_by_svix(
    message_id: str, timestamp: str, body: bytes, signatures: str, secret: str
) -> bool:
    """Whether one of the space-separated signatures "v1,…" is right (Resend).

    https://docs.svix.com/receiving/verifying-payloads/how-manual
    """
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return False
    if not key:
        return False
    signed = f"{message_id}.{timestamp}.".encode(errors="replace") + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(digest).decode()
    return sum(same(given, wanted) for given in signatures.split()[:10]) > 0


def is_basic_auth(header: str, allowed: Sequence[str]) -> bool:
    """Whether an Authorization header has one of the "user:password" that we allow."""
    scheme, _space, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return same_as_any(given, [text for text in allowed if text])
