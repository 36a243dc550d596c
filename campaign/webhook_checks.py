"""System checks of the webhooks' secrets: they name each one that cannot work.

A provider without a secret has no webhook, so nothing is open by mistake. The checks
ask whether a secret, once set, lets the right callers in.
"""

import base64
import binascii
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from delivery.hooks.sns import is_topic

# For secrets that we choose ourselves; others come from a provider.
SHORTEST = 16
OURS = ("SMS_WEBHOOK_SECRETS", "EMAIL_WEBHOOK_SECRETS")


@register(Tags.security)
def check_secrets_are_long(**kwargs: Any) -> list[CheckMessage]:
    if settings.DEBUG:
        return []
    return [
        Error(
            f"{name} has a secret that is too short to be one.",
            hint=f"Use at least {SHORTEST} characters: "
            "python -c 'import secrets; print(secrets.token_urlsafe(24))'",
            id="campaign.E020",
        )
        for name in OURS
        if any(len(s.rpartition(":")[2]) < SHORTEST for s in getattr(settings, name))
    ]


@register(Tags.security)
def check_email_webhook_secrets(**kwargs: Any) -> list[CheckMessage]:
    bad = [
        secret
        for secret in settings.EMAIL_WEBHOOK_SECRETS
        if not all(part for part in secret.partition(":"))
    ]
    if bad:
        return [
            Error(
                "EMAIL_WEBHOOK_SECRETS has one that is not user:password.",
                hint="Providers call https://user:password@… with it.",
                id="campaign.E021",
            )
        ]
    return []


@register(Tags.security)
def check_sns_topics(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"SNS_TOPICS has {topic!r}, which is not the ARN of a topic.",
            hint="Write arn:aws:sns:<region>:<account>:<name>, without wildcards.",
            id="campaign.E022",
        )
        for topic in settings.SNS_TOPICS
        if not is_topic(topic)
    ]


@register(Tags.security)
def check_keys_of_providers(**kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{name} has a key that cannot be read.",
            hint="Copy it from the provider's settings as it is, without the lines "
            "BEGIN and END.",
            id="campaign.E023",
        )
        for name in ("SENDGRID_VERIFICATION_KEYS", "RESEND_SIGNING_SECRETS")
        if not all(map(_is_base64, getattr(settings, name)))
    ]


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except binascii.Error:
        return False
