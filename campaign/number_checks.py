"""The least that each number among the settings may be."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

# By what comes of less: nothing at all, or everything at once.
LEAST = {
    "QUARANTINE_SOFT_THRESHOLD": 1,
    "QUARANTINE_SOFT_INTERVAL_HOURS": 0,
    "QUARANTINE_RELEASE_DAYS": 1,
    "QUARANTINE_MAILBOX_FULL_DAYS": 1,
    "ANALYSIS_CHUNK_SIZE": 1,
    "BULK_AT_ONCE": 0,
    "IMPORT_LARGEST_MB": 1,
    "IMPORT_DAYS": 1,
    "EDIT_LINK_DAYS": 1,
    "OUTBOX_DAYS": 2,
    "REQUESTS_PER_ADDRESS": 1,
    "CONFIRMATIONS_PER_SERVICE": 1,
    "REQUESTS_PER_NETWORK": 1,
    "SIGNUP_REQUEST_DAYS": 1,
    "PENDING_SUBSCRIPTION_DAYS": 1,
    "PROOF_OF_WORK_ROUNDS": 1,
    "PROOF_OF_WORK_MINUTES": 1,
    "SIGN_IN_ATTEMPTS": 1,
    "SIGN_IN_PAUSE_MINUTES": 1,
    "SIGN_IN_PER_NAME": 1,
    "SIGN_IN_PER_NETWORK": 1,
    "ADDRESS_SEARCHES": 1,
    "SESSION_HOURS": 1,
    "TRUSTED_PROXIES": 0,
    "API_RATE": 1,
    "ENDPOINT_CONNECTIONS": 1,
    "ENDPOINT_SECONDS": 1,
    "ENDPOINT_DAYS": 1,
    "FEEDBACK_PERIOD_DAYS": 1,
    "FEEDBACK_UNPROVEN_AN_HOUR": 0,
    "FEEDBACK_LATE_DAYS": 1,
    "FEEDBACK_LARGEST": 10_000,
    "FEEDBACK_DAYS": 1,
    "WEBHOOK_FRESH_SECONDS": 30,
    "SMTP_MESSAGES": 1,
    "PUSH_SECONDS": 0,
    "SEND_CONNECTIONS": 1,
    "SEND_RATE": 0,
    "SEND_WORKERS": 1,
    "SEND_CONFIRM_ABOVE": 0,
    "SEND_PAUSE_REFUSED": 0,
    "WORKER_THREADS": 1,
    "WEB_PROCESSES": 1,
    "WEB_THREADS": 1,
    "WORKERS": 0,
    "DATABASE_KEPT_SECONDS": 0,
    "STATEMENT_SECONDS": 0,
    "SLOW_SECONDS": 0,
}


@register(Tags.compatibility)
def check_numbers(**kwargs: Any) -> Iterator[CheckMessage]:
    for name, least in LEAST.items():
        if getattr(settings, name) < least:
            yield Error(
                f"{name} is {getattr(settings, name)}; the least is {least}.",
                hint=f"Set {name} to a number of {least} or more.",
                id="campaign.E002",
            )
