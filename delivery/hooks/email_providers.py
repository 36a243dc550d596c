"""Email providers that report by webhook: how each proves itself, and its readers.

django-anymail reads the formats. Each provider must first prove itself here, which
closes what anymail leaves open: SNS signatures and topics, Mailgun's freshness and
one-time tokens, and no webhook at all without a secret.
"""

import base64
import binascii
import functools
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anymail.exceptions import AnymailWarning
from anymail.webhooks import (
    amazon_ses,
    brevo,
    mailgun,
    mailjet,
    postmark,
    resend,
    sendgrid,
    sparkpost,
)
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from . import sns
from .gate import HookCall, Outcome
from .signatures import (
    is_basic_auth,
    is_signed_by_svix,
    mailgun_signature,
    require,
    require_fresh,
    same_as_any,
)


# ------------------------------------------------------------------ the proofs
# Each refuses a call that it does not believe, and returns its one-time token if the
# provider uses them.
def by_password(call: HookCall) -> str:
    """Basic authentication: the provider's address of our hook has both parts."""
    header = call.header("Authorization")
    require(bool(header), Outcome.NO_SIGNATURE)
    require(is_basic_auth(header, settings.EMAIL_WEBHOOK_SECRETS))
    return ""


def by_mailgun(call: HookCall) -> str:
    """Mailgun signs a time and a token, not the body: fresh, and each token once."""
    fields: Any = call.request.POST
    if call.request.content_type == "application/json":
        fields = loaded(call.body).get("signature")
    fields = fields if hasattr(fields, "get") else {}
    given = {n: str(fields.get(n, "")) for n in ("timestamp", "token", "signature")}
    require(all(given.values()), Outcome.NO_SIGNATURE)
    wanted = [
        mailgun_signature(given["timestamp"], given["token"], key)
        for key in settings.MAILGUN_SIGNING_KEYS
    ]
    require(same_as_any(given["signature"].lower(), wanted))
    require_fresh(given["timestamp"])
    return given["token"]


def by_sendgrid(call: HookCall) -> str:
    """ECDSA over time and body, by a key that SendGrid shows in its settings."""
    given = call.header("X-Twilio-Email-Event-Webhook-Signature")
    timestamp = call.header("X-Twilio-Email-Event-Webhook-Timestamp")
    require(bool(given), Outcome.NO_SIGNATURE)
    signed = timestamp.encode(errors="replace") + call.body
    keys = settings.SENDGRID_VERIFICATION_KEYS
    require(sum(_is_ecdsa(key, given, signed) for key in keys) > 0)
    require_fresh(timestamp)
    return ""


def _is_ecdsa(key: str, signature: str, signed: bytes) -> bool:
    try:
        public = serialization.load_der_public_key(base64.b64decode(key))
        if not isinstance(public, ec.EllipticCurvePublicKey):
            return False
        given = base64.b64decode(signature, validate=True)
        public.verify(given, signed, ec.ECDSA(hashes.SHA256()))
    except (binascii.Error, ValueError, UnsupportedAlgorithm, InvalidSignature):
        return False
    return True


def by_svix(call: HookCall) -> str:
    """Resend: HMAC over number, time and body."""
    number, timestamp = call.header("svix-id"), call.header("svix-timestamp")
    given = call.header("svix-signature")
    require(bool(given and number), Outcome.NO_SIGNATURE)
    right = sum(
        is_signed_by_svix(number, timestamp, call.body, given, secret)
        for secret in settings.RESEND_SIGNING_SECRETS
    )
    require(right > 0)
    require_fresh(timestamp)
    return ""


def by_sns(call: HookCall) -> str:
    """Amazon SES reports through SNS: a topic of ours, signed by Amazon."""
    message = loaded(call.body)
    sns.verify(message)
    if message.get("Type") == "SubscriptionConfirmation":
        sns.confirm(message)
    return ""


def loaded(body: bytes) -> dict[str, Any]:
    """A JSON object; anything else counts as an empty one."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


# ------------------------------------------------------------------ the providers
Proof = Callable[[HookCall], str]


@dataclass(frozen=True, kw_only=True)
class EmailProvider:
    """A provider: the setting with its secrets, its proof, and anymail's readers."""

    name: str
    secrets: str
    prove: Proof
    tracking: Any
    inbound: Any = None


_PASSWORD = "EMAIL_WEBHOOK_SECRETS"  # noqa: S105  (the name of the setting)
PROVIDERS = [
    EmailProvider(
        name="postmark",
        secrets=_PASSWORD,
        prove=by_password,
        tracking=postmark.PostmarkTrackingWebhookView,
        inbound=postmark.PostmarkInboundWebhookView,
    ),
    EmailProvider(
        name="brevo",
        secrets=_PASSWORD,
        prove=by_password,
        tracking=brevo.BrevoTrackingWebhookView,
    ),
    EmailProvider(
        name="mailjet",
        secrets=_PASSWORD,
        prove=by_password,
        tracking=mailjet.MailjetTrackingWebhookView,
        inbound=mailjet.MailjetInboundWebhookView,
    ),
    EmailProvider(
        name="sparkpost",
        secrets=_PASSWORD,
        prove=by_password,
        tracking=sparkpost.SparkPostTrackingWebhookView,
        inbound=sparkpost.SparkPostInboundWebhookView,
    ),
    EmailProvider(
        name="mailgun",
        secrets="MAILGUN_SIGNING_KEYS",
        prove=by_mailgun,
        tracking=mailgun.MailgunTrackingWebhookView,
        inbound=mailgun.MailgunInboundWebhookView,
    ),
    EmailProvider(
        name="sendgrid",
        secrets="SENDGRID_VERIFICATION_KEYS",
        prove=by_sendgrid,
        tracking=sendgrid.SendGridTrackingWebhookView,
    ),
    EmailProvider(
        name="resend",
        secrets="RESEND_SIGNING_SECRETS",
        prove=by_svix,
        tracking=resend.ResendTrackingWebhookView,
    ),
    EmailProvider(
        name="amazon_ses",
        secrets="SNS_TOPICS",
        prove=by_sns,
        tracking=amazon_ses.AmazonSESTrackingWebhookView,
        inbound=amazon_ses.AmazonSESInboundWebhookView,
    ),
]


@functools.cache
def reader(view: Any) -> Any:
    """anymail's reader of a format, used only to read, never to verify.

    Amazon's is made without its client, which would confirm topics and fetch mails from
    buckets: we need neither.
    """
    if issubclass(view, amazon_ses.AmazonSESBaseWebhookView):
        return view.__new__(view)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AnymailWarning)
        return view(webhook_secret=["unused:unused"], webhook_signing_key="unused")
