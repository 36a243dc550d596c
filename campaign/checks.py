"""System checks: each misconfiguration has an id, a message and a remedy."""

import re
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning as Caution, register
from django.utils.module_loading import import_string


@register(Tags.compatibility)
def check_phone_region(**kwargs: Any) -> list[CheckMessage]:
    region = settings.PHONE_REGION
    if region and region not in phonenumbers.SUPPORTED_REGIONS:
        return [
            Error(
                f"PHONE_REGION is {region!r}, which is not a region.",
                hint="Use two letters such as NL or GB, or leave it empty.",
                id="campaign.E001",
            )
        ]
    return []


@register(Tags.compatibility)
def check_quarantine_settings(**kwargs: Any) -> list[CheckMessage]:
    least = {
        "QUARANTINE_SOFT_THRESHOLD": 1,
        "QUARANTINE_SOFT_INTERVAL_HOURS": 0,
        "QUARANTINE_RELEASE_DAYS": 1,
        "QUARANTINE_MAILBOX_FULL_DAYS": 1,
        "ANALYSIS_CHUNK_SIZE": 1,
        "EDIT_LINK_DAYS": 1,
        "OUTBOX_DAYS": 2,
        "REQUESTS_PER_ADDRESS": 1,
        "REQUESTS_PER_NETWORK": 1,
        "SIGNUP_REQUEST_DAYS": 1,
        "PENDING_SUBSCRIPTION_DAYS": 1,
        "PROOF_OF_WORK_ROUNDS": 1,
        "PROOF_OF_WORK_MINUTES": 1,
        "TRUSTED_PROXIES": 0,
        "FEEDBACK_PERIOD_DAYS": 1,
        "FEEDBACK_LARGEST": 10_000,
        "FEEDBACK_DAYS": 1,
        "WEBHOOK_FRESH_SECONDS": 30,
    }
    return [
        Error(
            f"{name} is {getattr(settings, name)}; the least is {minimum}.",
            hint=f"Set {name} to a whole number of {minimum} or more.",
            id="campaign.E002",
        )
        for name, minimum in least.items()
        if getattr(settings, name) < minimum
    ]


@register()
def check_sms_gateway(**kwargs: Any) -> list[CheckMessage]:
    try:
        is_gateway = callable(
            getattr(import_string(settings.SMS_GATEWAY), "send", None)
        )
    except ImportError:
        is_gateway = False
    if is_gateway:
        return []
    return [
        Error(
            f"SMS_GATEWAY is {settings.SMS_GATEWAY!r}, which is no class with send().",
            hint="Use a dotted path, such as audiences.sms.ConsoleGateway",
            id="campaign.E009",
        )
    ]


@register(Tags.urls)
def check_base_url(**kwargs: Any) -> list[CheckMessage]:
    try:
        parts = urlsplit(settings.BASE_URL)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address:
        return [
            Error(
                f"BASE_URL is {settings.BASE_URL!r}, which is not a web address.",
                hint="Use the address of the site, such as https://news.example.org",
                id="campaign.E003",
            )
        ]
    if not settings.DEBUG and parts.scheme != "https":
        return [
            Caution(
                "BASE_URL begins with http:// in production.",
                hint="One-click unsubscribe (RFC 8058) requires https.",
                id="campaign.W003",
            )
        ]
    return []


@register(Tags.security)
def check_allowed_hosts(**kwargs: Any) -> list[CheckMessage]:
    if not settings.DEBUG and not settings.ALLOWED_HOSTS:
        return [
            Error(
                "DEBUG is 0 and ALLOWED_HOSTS is empty: every request would fail.",
                hint="Set ALLOWED_HOSTS to the site's host names, comma-separated.",
                id="campaign.E004",
            )
        ]
    return []


@register(Tags.security)
def check_database_for_production(**kwargs: Any) -> list[CheckMessage]:
    engine = settings.DATABASES["default"]["ENGINE"]
    if not settings.DEBUG and engine.endswith("sqlite3"):
        return [
            Caution(
                "Production runs on SQLite.",
                hint="Set DATABASE_URL to a PostgreSQL database for more than one "
                "machine or more than about a million profiles.",
                id="campaign.W005",
            )
        ]
    return []


@register(Tags.security)
def check_sender_for_production(**kwargs: Any) -> list[CheckMessage]:
    if not settings.DEBUG and settings.DEFAULT_FROM_EMAIL.endswith("@localhost"):
        return [
            Caution(
                f"Mails say that they are from {settings.DEFAULT_FROM_EMAIL}.",
                hint="Set DEFAULT_FROM_EMAIL to an address of yours; mail servers "
                "refuse mail from nowhere.",
                id="campaign.W006",
            )
        ]
    return []


@register(Tags.security)
def check_mail_for_production(**kwargs: Any) -> list[CheckMessage]:
    if not settings.DEBUG and settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        return [
            Caution(
                "Mails go to the console, with the personal links in them.",
                hint="Set EMAIL_URL to your mail server.",
                id="campaign.W007",
            )
        ]
    return []


# With the token, the part before the @ may have at most 64 characters.
LONGEST_MAILBOX = 14


@register(Tags.compatibility)
def check_mailboxes(**kwargs: Any) -> list[CheckMessage]:
    """Mailboxes whose addresses carry a token must leave room for it."""
    return [
        Error(
            f"{name} is {mailbox!r}, which cannot take mails with a token.",
            hint=f"Use a short address (at most {LONGEST_MAILBOX} characters "
            f"before the @) such as {example}@example.org, or leave it empty.",
            id="campaign.E008",
        )
        for name, mailbox, example in (
            ("UNSUBSCRIBE_MAILBOX", settings.UNSUBSCRIBE_MAILBOX, "unsubscribe"),
            ("BOUNCE_MAILBOX", settings.BOUNCE_MAILBOX, "bounces"),
        )
        if mailbox and not _takes_tokens(mailbox)
    ]


def _takes_tokens(mailbox: str) -> bool:
    local, _at, domain = mailbox.rpartition("@")
    plain = re.fullmatch(r"[A-Za-z0-9._-]+", local) and re.fullmatch(
        r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", domain
    )
    return bool(plain) and len(local) <= LONGEST_MAILBOX
