"""The keyed hashes of addresses, and the keys that make them.

HMAC-SHA-256 (RFC 2104) of the kind of address and its normalised key, so that a number
is the same for SMS, phone and fax, and an email address is the same in any spelling.
Addresses can be guessed, and a plain hash of one gives it away; who has only the
database lacks the key. Each row names its key, so that keys can be replaced.
"""

import functools
import hashlib
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.utils.translation import gettext_noop as _

from audiences.channels import ADDRESS_KINDS, Channel
from audiences.masking import keyed
from audiences.models import Suppression
from audiences.refusals import Refused, Sentence

# The channel and key of an address.
Name = tuple[str, str]


class NoKey(Refused):
    """There is no SUPPRESSION_KEYS, and what was asked needs one."""

    def __init__(self) -> None:
        super().__init__(
            Sentence(
                _(
                    "SUPPRESSION_KEYS is not set: without it nobody can tell who must "
                    "not be written to after an erasure. Set it to a long random text "
                    "that is kept outside the database."
                )
            )
        )


class Key:
    """One of the SUPPRESSION_KEYS, and the name by which rows know it."""

    def __init__(self, secret: str) -> None:
        own = hashlib.sha256(b"suppression:" + secret.encode()).digest()
        self._hashed = keyed(own)
        self.id: str = self._hashed(b"the name of this key").hexdigest()[:8]

    def digest(self, channel: str, key: str) -> str:
        """The keyed hash of an address of a channel."""
        return next(iter(self.digests(channel, [key])))

    def digests(self, channel: str, keys: Iterable[str]) -> dict[str, str]:
        """Addresses of a channel by their keyed hashes."""
        before, hashed = f"{ADDRESS_KINDS[channel].value}:", self._hashed
        return {
            hashed((before + key).encode(errors="surrogatepass")).hexdigest(): key
            for key in keys
        }


def keys() -> Sequence[Key]:
    """The keys of the settings, the newest first; there may be none."""
    return _made(tuple(settings.SUPPRESSION_KEYS))


def newest() -> Key:
    """The key that new rows are made with; raises NoKey."""
    for key in keys():
        return key
    raise NoKey


@functools.lru_cache(maxsize=16)
def _made(secrets: tuple[str, ...]) -> Sequence[Key]:
    return [Key(secret) for secret in secrets]


def siblings(channel: str) -> set[str]:
    """The channels on which the same address may be used, this one among them."""
    kind = ADDRESS_KINDS[Channel(channel)]
    return {str(other) for other, of_kind in ADDRESS_KINDS.items() if of_kind == kind}


def everywhere(names: Iterable[Name]) -> set[Name]:
    """The same addresses on every channel where they may be used."""
    return {(other, key) for channel, key in names for other in siblings(channel)}


def digests_of(names: Iterable[Name]) -> dict[str, Name]:
    """Each address under each key, by its keyed hash."""
    by_channel: dict[str, list[str]] = {}
    for channel, key in set(names):
        by_channel.setdefault(channel, []).append(key)
    return {
        digest: (channel, address)
        for key in keys()
        for channel, addresses in by_channel.items()
        for digest, address in key.digests(channel, addresses).items()
    }


def needed() -> set[str]:
    """The names of the keys that rows were made with; one look-up for each."""
    found: set[str] = set()
    ids = Suppression.objects.order_by("key_id").values_list("key_id", flat=True)
    next_id = ids.first()
    while next_id is not None:
        found.add(next_id)
        next_id = ids.filter(key_id__gt=next_id).first()
    return found


def lost() -> set[str]:
    """Keys that rows were made with and that the settings no longer have.

    Who is suppressed under one of them would be reached again.
    """
    return needed() - {key.id for key in keys()}
