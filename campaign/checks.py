"""System checks: each misconfiguration has an id, a message and a remedy.

Each has one of the tags that every command asks for (`audiences.terminal`).
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning as Caution, register
from django.http.request import validate_host
from django.utils.module_loading import import_string

from audiences.addresses import trial
from audiences.channels import Channel
from audiences.console.sign_in import second_factor
from delivery.transports import NoTransport, transport_for

# With the token, the part before the @ may have at most 64 characters.
LONGEST_MAILBOX = 14


@register(Tags.compatibility)
def check_phone_region(**kwargs: Any) -> Iterator[CheckMessage]:
    region = settings.PHONE_REGION
    if region and region not in phonenumbers.SUPPORTED_REGIONS:
        yield Error(
            f"PHONE_REGION is {region!r}, which is not a region.",
            hint="Use two letters such as NL or GB, or leave it empty.",
            id="campaign.E001",
        )


@register(Tags.compatibility)
def check_sms_gateway(**kwargs: Any) -> Iterator[CheckMessage]:
    try:
        gateway = import_string(settings.SMS_GATEWAY)
    except ImportError:
        gateway = None
    if not callable(getattr(gateway, "send", None)):
        yield Error(
            f"SMS_GATEWAY is {settings.SMS_GATEWAY!r}, which is no class with send().",
            hint="Use a dotted path, such as audiences.sms.ConsoleGateway",
            id="campaign.E009",
        )
        return
    for problem in getattr(gateway, "problems", list)():
        yield Error(problem, hint="See docs/transports.md.", id="campaign.E024")


@register(Tags.compatibility)
def check_push(**kwargs: Any) -> Iterator[CheckMessage]:
    if not settings.VAPID_PRIVATE_KEY:
        return
    try:
        transport_for(Channel.PUSH)
    except NoTransport as error:
        yield Error(str(error), hint="See docs/transports.md.", id="campaign.E025")
    if not settings.VAPID_CONTACT.startswith(("mailto:", "https://")):
        yield Error(
            f"VAPID_CONTACT is {settings.VAPID_CONTACT!r}.",
            hint="Use an address such as mailto:push@example.org",
            id="campaign.E025",
        )


@register(Tags.security)
def check_second_factor(**kwargs: Any) -> Iterator[CheckMessage]:
    if settings.SECOND_FACTOR not in second_factor.CHOICES:
        yield Error(
            f"SECOND_FACTOR is {settings.SECOND_FACTOR!r}, which says nobody.",
            hint=f"Use one of {', '.join(second_factor.CHOICES)}.",
            id="campaign.E010",
        )
    elif settings.SECOND_FACTOR == second_factor.NOBODY and not settings.DEBUG:
        yield Caution(
            "SECOND_FACTOR is optional in production: a password opens everything.",
            hint="Set it to administrators, or take it away.",
            id="campaign.W008",
        )


@register(Tags.compatibility)
def check_trial(**kwargs: Any) -> Iterator[CheckMessage]:
    if not trial.is_on():
        return
    unreadable = trial.unreadable()
    for text in unreadable:
        yield Error(
            f"TRIAL_RECIPIENTS has {text!r}, which is no address, number or @domain.",
            hint="Write addresses, numbers with +, and @example.org, comma-separated.",
            id="campaign.E026",
        )
    if unreadable:
        return
    yield Caution(
        f"The site is on trial: {len(settings.TRIAL_RECIPIENTS)} entries of "
        "TRIAL_RECIPIENTS receive messages, and nobody else.",
        hint="Take TRIAL_RECIPIENTS away to send to everybody.",
        id="campaign.W010",
    )


@register(Tags.security)
def check_base_url(**kwargs: Any) -> Iterator[CheckMessage]:
    try:
        parts = urlsplit(settings.BASE_URL)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address:
        yield Error(
            f"BASE_URL is {settings.BASE_URL!r}, which is not a web address.",
            hint="Use the address of the site, such as https://news.example.org",
            id="campaign.E003",
        )
        return
    if settings.DEBUG:
        return
    if parts.scheme != "https":
        yield Caution(
            "BASE_URL begins with http:// in production.",
            hint="One-click unsubscribe (RFC 8058) requires https.",
            id="campaign.W003",
        )
    hosts, host = settings.ALLOWED_HOSTS, parts.hostname or ""
    if hosts and not validate_host(host, hosts):
        yield Caution(
            f"ALLOWED_HOSTS does not have {host}, the host of BASE_URL: the links in "
            "our mails would fail.",
            hint=f"Add {host} to ALLOWED_HOSTS.",
            id="campaign.W012",
        )


@register(Tags.security)
def check_production(**kwargs: Any) -> Iterator[CheckMessage]:
    """What is good on one's own machine, and not on a server."""
    if settings.DEBUG:
        return
    if not settings.ALLOWED_HOSTS:
        yield Error(
            "DEBUG is 0 and ALLOWED_HOSTS is empty: every request would fail.",
            hint="Set ALLOWED_HOSTS to the site's host names, comma-separated.",
            id="campaign.E004",
        )
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        yield Caution(
            "Production runs on SQLite.",
            hint="Set DATABASE_URL to a PostgreSQL database for more than one "
            "machine or more than about a million profiles.",
            id="campaign.W005",
        )
    if settings.DEFAULT_FROM_EMAIL.endswith("@localhost"):
        yield Caution(
            f"Mails say that they are from {settings.DEFAULT_FROM_EMAIL}.",
            hint="Set DEFAULT_FROM_EMAIL to an address of yours; mail servers "
            "refuse mail from nowhere.",
            id="campaign.W006",
        )
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        yield Caution(
            "Mails go to the console, with the personal links in them.",
            hint="Set EMAIL_URL to your mail server.",
            id="campaign.W007",
        )
    if not settings.SUPPRESSION_KEYS:
        yield Caution(
            "SUPPRESSION_KEYS is not set: nobody can be erased.",
            hint="Set SUPPRESSION_KEYS to a long random text and keep it outside the "
            "database: with it erased people are known when a file brings them back.",
            id="campaign.W011",
        )


@register(Tags.compatibility)
def check_mailboxes(**kwargs: Any) -> Iterator[CheckMessage]:
    """Mailboxes whose addresses carry a token must leave room for it."""
    for name, mailbox, example in (
        ("UNSUBSCRIBE_MAILBOX", settings.UNSUBSCRIBE_MAILBOX, "unsubscribe"),
        ("BOUNCE_MAILBOX", settings.BOUNCE_MAILBOX, "bounces"),
    ):
        if mailbox and not _takes_tokens(mailbox):
            yield Error(
                f"{name} is {mailbox!r}, which cannot take mails with a token.",
                hint=f"Use a short address (at most {LONGEST_MAILBOX} characters "
                f"before the @) such as {example}@example.org, or leave it empty.",
                id="campaign.E008",
            )


def _takes_tokens(mailbox: str) -> bool:
    local, _at, domain = mailbox.rpartition("@")
    plain = re.fullmatch(r"[A-Za-z0-9._-]+", local) and re.fullmatch(
        r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", domain
    )
    return bool(plain) and len(local) <= LONGEST_MAILBOX
