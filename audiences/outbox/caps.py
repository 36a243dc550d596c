"""Caps on the messages that visitors can set in motion (against list bombing).

Accepted requests are counted per day (UTC), visitor's network and target address.
Known and unknown addresses are counted alike, with the same statements. The counters
hold keyed hashes, and `clean_up` removes those of past days.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.utils import timezone

from audiences.channels import Channel
from audiences.links.signing import Purpose, keyed_hash
from audiences.models import RequestCount
from audiences.sql import fetch

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
    that a capped one uses up nobody's address. The caps hold under concurrency, because
    one statement counts and says how many there were. The caller is in the transaction
    that keeps the request.
    """
    return all(_count(Scope.NETWORK, [network], settings.REQUESTS_PER_NETWORK)) and (
        allow_address(subject, about)
    )


def allow_address(subject: str, about: str = "") -> bool:
    """Count a message to an address; false when there were as many today.

    All that can be asked for an address shares one cap: links, sign-ups, confirmations.
    Of confirmations `about` says what for, such as a service: they have a narrower one.
    """
    return all(allow_addresses([(subject, about)]))


def allow_addresses(asked: Sequence[tuple[str, str]]) -> list[bool]:
    """`allow_address` for many, in their order; two statements for any number."""
    narrow = [n for n, (_subject, about) in enumerate(asked) if about]
    names = [f"{asked[n][1]}:{asked[n][0]}" for n in narrow]
    most = settings.CONFIRMATIONS_PER_SERVICE
    refused = {
        n
        for n, is_allowed in zip(
            narrow, _count(Scope.ADDRESS, names, most), strict=True
        )
        if not is_allowed
    }
    rest = [n for n in range(len(asked)) if n not in refused]
    names, most = [asked[n][0] for n in rest], settings.REQUESTS_PER_ADDRESS
    found = dict(zip(rest, _count(Scope.ADDRESS, names, most), strict=True))
    return [found.get(n, False) for n in range(len(asked))]


def _count(scope: Scope, names: Sequence[str], most: int) -> list[bool]:
    """Count each of the names; whether there were fewer than `most` before it."""
    if not names:
        return []
    hashes = {name: keyed_hash(Purpose.CAP, name).hex() for name in {*names}}
    left = _raised(scope, Counter(hashes[name] for name in names), most)
    allowed = []
    for name in names:
        left[hashes[name]] -= 1
        allowed.append(left[hashes[name]] >= 0)
    return allowed


def _raised(scope: Scope, wanted: Counter[str], most: int) -> Counter[str]:
    """Raise counters by what is wanted of each; how much of it there was room for.

    One that is full stays as it is, and is not returned. In the order of their hashes:
    of two who count the same ones, one waits for the other.
    """
    day, table = timezone.now().date(), RequestCount._meta.db_table
    values = [
        value for h in sorted(wanted) for value in (str(scope), h, day, wanted[h])
    ]
    rows = fetch(
        f"INSERT INTO {table} (scope, subject, day, count)"
        f" VALUES {', '.join(['(%s, %s, %s, %s)'] * len(wanted))}"
        " ON CONFLICT (day, scope, subject) DO UPDATE"
        f" SET count = {table}.count + excluded.count WHERE {table}.count < %s"
        " RETURNING subject, count",
        [*values, most],
    )
    return Counter({h: most - (count - wanted[h]) for h, count in rows})


def clean_up(now: datetime | None = None) -> int:
    """Remove the counters of past days; returns how many."""
    today = (now or timezone.now()).astimezone(UTC).date()
    return RequestCount.objects.filter(day__lt=today).delete()[0]
