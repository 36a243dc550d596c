"""Making, finding, rotating and revoking keys; a secret is shown once.

A secret is 32 random bytes, so a plain hash of it is enough (NIST SP 800-63B 5.1.1.2
asks for slow hashes where people choose). What stands before it finds its row.
"""

import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from audiences import sql
from audiences.api_keys import scopes as words
from audiences.models import ApiKey, ApiSecret
from audiences.refusals import Refused

MARK = "ck"
# For so long after a rotation the former secret counts too.
OVERLAP = timedelta(days=1)
# How exactly it is known when a key was last used.
USED_EVERY = timedelta(minutes=1)


class BadKey(Refused):
    """The key cannot be made so; the message says why."""


class NoSuchKey(Refused):
    """No key has this name."""


@dataclass(frozen=True)
class Shown:
    """A key with its secret, which nobody can read again."""

    key: ApiKey
    secret: str


def create(
    name: str,
    scopes: Iterable[str],
    *,
    actor: str = "",
    days: int | None = None,
    networks: Iterable[str] = (),
    rate: int | None = None,
) -> Shown:
    """Make a key with its first secret; raises BadKey and BadScope."""
    name = name.strip()
    if not name or not name.isprintable() or len(name) > 100:
        raise BadKey("A key needs a name of at most 100 characters.")
    if days is not None and not 1 <= days <= 3_650:
        raise BadKey("A key expires after 1 to 3,650 days.")
    if rate is not None and not 1 <= rate <= 1_000_000:
        raise BadKey("The rate is 1 to 1,000,000 requests a minute.")
    with transaction.atomic():
        # Of two who make the same name at once the second is refused.
        sql.hold(f"api-key:{name}")
        if ApiKey.objects.filter(name=name).exists():
            raise BadKey(f"There is a key {name!r} already: choose another name.")
        key = ApiKey.objects.create(
            name=name,
            scopes=words.read(scopes),
            networks=_networks(networks),
            rate=rate,
            created_by=actor,
            expires_at=timezone.now() + timedelta(days=days) if days else None,
        )
        return Shown(key, _new_secret(key))


def _networks(texts: Iterable[str]) -> list[str]:
    try:
        return [str(_unmapped(ipaddress.ip_network(text.strip()))) for text in texts]
    except ValueError as error:
        raise BadKey(f"{error}: write a network as 192.0.2.0/24.") from error


def _unmapped(net: Any) -> Any:
    """IPv4 in the clothes of IPv6 as IPv4, as callers are looked at too."""
    mapped = getattr(net.network_address, "ipv4_mapped", None)
    if mapped is None or net.prefixlen < 96:
        return net
    return ipaddress.ip_network((mapped, net.prefixlen - 96))


def _new_secret(key: ApiKey) -> str:
    prefix = f"{MARK}_{secrets.token_hex(6)}"
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    ApiSecret.objects.create(key=key, prefix=prefix, digest=_digest(secret))
    return secret


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def find(name: str) -> ApiKey:
    """The key with this name; raises NoSuchKey."""
    key = ApiKey.objects.filter(name=name).first()
    if key is None:
        raise NoSuchKey(f"There is no key {name!r}.")
    return key


def rotate(key: ApiKey, *, overlap: timedelta = OVERLAP) -> Shown:
    """Give a key a new secret; those of before count on for a while.

    Raises BadKey for one that is revoked or has expired.
    """
    with transaction.atomic():
        locked = ApiKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
        if not _counts(locked, timezone.now()):
            raise BadKey(f"The key {key.name!r} is revoked or has expired.")
        until = timezone.now() + overlap
        endless = Q(expires_at__isnull=True) | Q(expires_at__gt=until)
        locked.secrets.filter(endless).update(expires_at=until)
        return Shown(locked, _new_secret(locked))


def revoke(key: ApiKey, *, actor: str = "") -> bool:
    """End a key at once; false if it had ended before."""
    rows = ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True)
    with transaction.atomic():
        ended = rows.update(revoked_at=timezone.now(), revoked_by=actor)
        ApiSecret.objects.filter(key=key).delete()
    return bool(ended)


def _counts(key: ApiKey, now: datetime) -> bool:
    ended = key.expires_at is not None and key.expires_at <= now
    return key.revoked_at is None and not ended


def identify(secret: str, address: str | None) -> ApiKey | None:
    """The key that a secret belongs to, if it counts and may be used from there.

    Why not is not said: whoever guesses learns nothing.
    """
    prefix = "_".join(secret.split("_")[:2])
    is_plain = secret.isascii() and secret.isprintable()
    if len(secret) > 200 or len(prefix) > 20 or not is_plain:
        return None
    now = timezone.now()
    row = ApiSecret.objects.select_related("key").filter(prefix=prefix).first()
    # A secret that nobody has takes as long.
    digest = row.digest if row else _digest("")
    if not constant_time_compare(digest, _digest(secret)) or row is None:
        return None
    if row.expires_at is not None and row.expires_at <= now:
        return None
    if not _counts(row.key, now) or not _is_from(row.key, address):
        return None
    _used(row.key, now)
    return row.key


def _is_from(key: ApiKey, address: str | None) -> bool:
    if not key.networks:
        return True
    try:
        place = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = getattr(place, "ipv4_mapped", None)
    return any((mapped or place) in ipaddress.ip_network(net) for net in key.networks)


def _used(key: ApiKey, now: datetime) -> None:
    if key.last_used_at is None or now - key.last_used_at > USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
