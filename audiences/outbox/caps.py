"""Caps on what unidentified visitors can set in motion (against list bombing).

Accepted requests are counted per day (UTC), visitor's network and target address.
Known and unknown addresses are counted alike, with the same statements. The counters
hold keyed hashes, and `clean_up` removes those of past days.
"""

from datetime import UTC, datetime

from django.conf import settings
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from audiences.models import RequestCount

Scope = RequestCount.Scope
_SALT = "audiences.request_caps"


def allow(network: str, subject: str) -> bool:
    """Count a network's request about a subject; false once a cap is reached.

    The subject is the normalised address, or another name of the target. Visitors whose
    network is unknown (an empty text) share one cap. The network is counted first, so
    that a capped one uses up nobody's address. Both caps hold under concurrency,
    because a counter rises only by an UPDATE that checks it. The caller is in the
    transaction that keeps the request.
    """
    return _count(Scope.NETWORK, network, settings.REQUESTS_PER_NETWORK) and (
        _count(Scope.ADDRESS, subject, settings.REQUESTS_PER_ADDRESS)
    )


def allow_address(subject: str) -> bool:
    """Count a mail to an address that no visitor gave; false when capped."""
    return _count(Scope.ADDRESS, subject, settings.REQUESTS_PER_ADDRESS)


def _count(scope: Scope, name: str, most: int) -> bool:
    subject = salted_hmac(_SALT, name, algorithm="sha256").hexdigest()
    row = RequestCount(scope=scope, subject=subject, day=timezone.now().date())
    RequestCount.objects.bulk_create([row], ignore_conflicts=True)
    rows = RequestCount.objects.filter(day=row.day, scope=scope, subject=subject)
    return bool(rows.filter(count__lt=most).update(count=F("count") + 1))


def clean_up(now: datetime | None = None) -> int:
    """Remove the counters of past days; returns how many."""
    today = (now or timezone.now()).astimezone(UTC).date()
    return RequestCount.objects.filter(day__lt=today).delete()[0]
