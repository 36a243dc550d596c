"""System checks: each misconfiguration has an id, a message and a remedy."""

from typing import Any
from urllib.parse import urlsplit

import phonenumbers
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution


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
