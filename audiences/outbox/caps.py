"""Caps on the messages that visitors can set in motion (against list bombing).

Accepted requests are counted per day (UTC), visitor's network and target address.
Known and unknown addresses are counted alike, with the same statements. The counters
hold keyed hashes, and `clean_up` removes those of past days.
"""

from datetime import UTC, datetime

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from audiences.channels import Channel
from audiences.links.signing import Purpose, keyed_hash
from audiences.models import RequestCount

Scope = RequestCount.Scope


def subject_of(channel: str, key: str) -> str:
    """The name under which what is asked about one address is counted.

    What many mail servers leave out is left out: else one mailbox could be flooded by
    a+1@, a+2@, or by a.b@, ab@. Two people may so share a cap, but never a mail.
    `channel` may also say how somebody is known, such as by a customer number.
    """
    if channel == Channel.EMAIL:
        local, _at, domain = key.rpartition("@")
        mailbox = local.partition("+")[0].replace(".", "") or local
        key = f"{mailbox}@{domain.replace('googlemail.com', 'gmail.com')}"
    return f"{channel}:{key}"


def allow(network: str, subject: str, about: str = "") -> bool:
    """Count a network's request about a subject; false once a cap is reached.

    `subject` comes from `subject_of`; for `about` see `allow_address`. Visitors whose
    network is unknown (an empty text) share one cap. The network is counted first, so
    that a capped one uses up nobody's address. The caps hold under concurrency,
    because a counter rises only by an UPDATE that checks it. The caller is in the
    transaction that keeps the request.
    """
    return _count(Scope.NETWORK, network, settings.REQUESTS_PER_NETWORK) and (
        allow_address(subject, about)
    )


def allow_address(subject: str, about: str = "") -> bool:
    """Count a message to an address; false when there were as many today.

    All that can be asked for an address shares one cap: links, sign-ups, confirmations.
    Of confirmations `about` says what for, such as a service: they have a narrower one.
    """
    if about and not _count(
        Scope.ADDRESS, f"{about}:{subject}", settings.CONFIRMATIONS_PER_SERVICE
    ):
        return False
    return _count(Scope.ADDRESS, subject, settings.REQUESTS_PER_ADDRESS)


def _count(scope: Scope, name: str, most: int) -> bool:
    subject = keyed_hash(Purpose.CAP, name).hex()
    row = RequestCount(scope=scope, subject=subject, day=timezone.now().date())
    RequestCount.objects.bulk_create([row], ignore_conflicts=True)
    rows = RequestCount.objects.filter(day=row.day, scope=scope, subject=subject)
    return bool(rows.filter(count__lt=most).update(count=F("count") + 1))


def clean_up(now: datetime | None = None) -> int:
    """Remove the counters of past days; returns how many."""
    today = (now or timezone.now()).astimezone(UTC).date()
    return RequestCount.objects.filter(day__lt=today).delete()[0]
