"""Amazon SNS: whose topic it is, and whether Amazon has signed it.

anymail does not verify these signatures. The certificate that a message names is
fetched only from an address of SNS itself, over https; anybody can have a topic of
their own, with good signatures, so a topic counts only when SNS_TOPICS has it.
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import binascii
import functools
import re
import time
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.conf import settings
from django.utils import timezone

from .gate import HookRefused, Outcome
from .signatures import require

_HOST = re.compile(r"sns\.[a-z0-9-]{3,30}\.amazonaws\.com(\.cn)?")
_CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{8,64}\.pem")
_ARN = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_.-]{1,256}")
_SIGNED = {
    "Notification": (
        "Message",
        "MessageId",
        "Subject",
        "Timestamp",
        "TopicArn",
        "Type",
    ),
    "SubscriptionConfirmation": (
        *("Message", "MessageId", "SubscribeURL"),
        *("Timestamp", "Token", "TopicArn", "Type"),
    ),
}
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {"1": hashes.SHA1, "2": hashes.SHA256}
_SECONDS, _LARGEST = 5, 20_000
# Seconds in which a certificate is not asked for again that could not be fetched.
_PAUSE = 60.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        """An address of SNS answers directly, or not at all."""


def fetch(url: str) -> bytes:
    """The answer of an address of SNS, which the caller has checked; raises OSError."""
    opener = urllib.request.build_opener(_NoRedirects)
    with opener.open(url, timeout=_SECONDS) as answer:
        found: bytes = answer.read(_LARGEST)
        return found


def is_topic(text: str) -> bool:
    """Whether a text is the ARN of a topic."""
    return bool(_ARN.fullmatch(text))


def verify(message: Mapping[str, object], now: datetime | None = None) -> None:
    """Refuse a message that Amazon has not signed, or whose topic is not ours.

    The topic and the host are checked first, so that a stranger's message makes us
    fetch nothing. Raises HookRefused; OSError when the certificate cannot be fetched.
    """
    fields = {name: str(value) for name, value in message.items() if value is not None}
    topic = fields.get("TopicArn", "")
    kind = fields.get("Type", "")
    require(bool(fields.get("Signature")), Outcome.NO_SIGNATURE)
    require(topic in settings.SNS_TOPICS and is_topic(topic), Outcome.WRONG_TOPIC)
    url = fields.get("SigningCertURL", "")
    algorithm = _HASHES.get(fields.get("SignatureVersion", ""))
    require(kind in _SIGNED and algorithm is not None and is_certificate_url(url))
    try:
        signature = base64.b64decode(fields["Signature"], validate=True)
    except binascii.Error:
        signature = b""
    require(bool(signature) and algorithm is not None)
    _require_signed(
        _certificate(url).read(), signature, signed_text(fields), algorithm, now
    )


def is_certificate_url(url: str) -> bool:
    """Whether it can only be a certificate that SNS itself serves over https."""
    return _is_sns(url) and bool(_CERTIFICATE_PATH.fullmatch(urlsplit(url).path))


def _is_sns(url: str) -> bool:
    try:
        parts = urlsplit(url)
        plain = parts.port in (None, 443) and not parts.username and not parts.password
    except ValueError:
        return False
    # Exactly as written: no other case, no trailing dot, no user before it.
    host = parts.netloc.removesuffix(":443")
    return parts.scheme == "https" and plain and bool(_HOST.fullmatch(host))


def signed_text(fields: Mapping[str, str]) -> bytes:
    """The signed text: names and values, each on a line of its own."""
    names = _SIGNED[fields["Type"]]
    return "".join(
        f"{name}\n{fields[name]}\n" for name in names if name in fields
    ).encode()


class _Certificate:
    """A certificate by its address: fetched once, and for a while not again in vain.

    Each attempt may keep us waiting, and a stranger may name a certificate that is not
    there.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.found: x509.Certificate | None = None
        self.failed: Exception | None = None
        self.failed_until = 0.0

    def read(self) -> x509.Certificate:
        """The certificate; raises HookRefused for anything else, and OSError."""
        if self.failed and self.failed_until > time.monotonic():
            raise self.failed
        if self.found is None:
            try:
                self.found = x509.load_pem_x509_certificate(fetch(self.url))
            except (OSError, ValueError) as error:
                self.failed_until = time.monotonic() + _PAUSE
                self.failed = error
                if isinstance(error, ValueError):
                    self.failed = HookRefused(Outcome.WRONG_SIGNATURE)
                raise self.failed from error
        return self.found


@functools.lru_cache(maxsize=100)
def _certificate(url: str) -> _Certificate:
    return _Certificate(url)


def _require_signed(
    certificate: x509.Certificate,
    signature: bytes,
    text: bytes,
    algorithm: type[hashes.HashAlgorithm] | None,
    now: datetime | None,
) -> None:
    moment = (now or timezone.now()).astimezone(UTC)
    key = certificate.public_key()
    valid = (
        certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc
    )
    require(valid, Outcome.OUTDATED)
    if not isinstance(key, rsa.RSAPublicKey) or algorithm is None:
        raise HookRefused(Outcome.WRONG_SIGNATURE)
    try:
        key.verify(signature, text, padding.PKCS1v15(), algorithm())
    except InvalidSignature:
        raise HookRefused(Outcome.WRONG_SIGNATURE) from None


def confirm(message: Mapping[str, object]) -> None:
    """Confirm the subscription of a topic of ours; the message is verified.

    Raises HookRefused for an address that is not of SNS, and OSError.
    """
    url = str(message.get("SubscribeURL", ""))
    topic = _ARN.fullmatch(str(message["TopicArn"]))
    host = urlsplit(url).netloc.removesuffix(":443")
    require(
        _is_sns(url) and topic is not None and host.startswith(f"sns.{topic[1]}."),
        Outcome.WRONG_SIGNATURE,
    )
    fetch(url)
