"""System checks of the secrets of webhooks.

A provider without a secret has no webhook, so nothing is open by mistake. The checks
ask whether a secret, once set, lets the right callers in.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from delivery.hooks.sns import is_topic

# For secrets that we choose ourselves; others come from a provider.
SHORTEST_SECRET = 16
OUR_SECRETS = ("SMS_WEBHOOK_SECRETS", "EMAIL_WEBHOOK_SECRETS")


@register(Tags.security)
def check_secrets_are_long(**kwargs: Any) -> Iterator[CheckMessage]:
    for name in () if settings.DEBUG else OUR_SECRETS:
        secrets = [text.rpartition(":")[2] for text in getattr(settings, name)]
        if any(len(secret) < SHORTEST_SECRET for secret in secrets):
            yield Error(
                f"{name} has a secret that is too short to be one.",
                hint=f"Use at least {SHORTEST_SECRET} characters: "
                "python -c 'import secrets; print(secrets.token_urlsafe(24))'",
                id="campaign.E020",
            )


@register(Tags.security)
def check_secrets_can_be_read(**kwargs: Any) -> Iterator[CheckMessage]:
    if not all(all(s.partition(":")) for s in settings.EMAIL_WEBHOOK_SECRETS):
        yield Error(
            "EMAIL_WEBHOOK_SECRETS has one that is not user:password.",
            hint="Providers call https://user:password@… with it.",
            id="campaign.E021",
        )
    for topic in settings.SNS_TOPICS:
        if not is_topic(topic):
            yield Error(
                f"SNS_TOPICS has {topic!r}, which is not the ARN of a topic.",
                hint="Write arn:aws:sns:<region>:<account>:<name>, without wildcards.",
                id="campaign.E022",
            )
    for name in ("SENDGRID_VERIFICATION_KEYS", "RESEND_SIGNING_SECRETS"):
        if not all(map(_is_base64, getattr(settings, name))):
            yield Error(
                f"{name} has a key that cannot be read.",
                hint="Copy it from the provider's settings as it is, without the lines "
                "BEGIN and END.",
                id="campaign.E023",
            )


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except binascii.Error:
        return False
