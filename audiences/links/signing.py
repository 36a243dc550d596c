"""The one place that signs, and reads what was signed: keys, purposes, limits.

Each purpose has a salt of its own, so that a token of one cannot serve another. Salts
look like the names of modules and are not: never change a letter, or every link that
was ever mailed is dead.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

LONGEST_TOKEN = 2_000
_Signer = TypeVar("_Signer", bound=signing.Signer)
_PART, _SIGNATURE = r"[A-Za-z0-9_-]+", r"[A-Za-z0-9_-]{43}"
# A whole token at the beginning of a text, and nothing of its alphabet behind it.
_UNDATED = re.compile(rf"{_PART}\.{_SIGNATURE}(?![A-Za-z0-9_-])")
_DATED = re.compile(rf"{_PART}\.[A-Za-z0-9]{{1,11}}\.{_SIGNATURE}(?![A-Za-z0-9_-])")


class Purpose(StrEnum):
    """What a signature or a keyed hash is for, by its salt."""

    OPT_OUT = "audiences.links.optout"
    PAGE = "audiences.links.page"
    UNDO = "audiences.links.undo"
    MAIL = "audiences.links.mail"
    VIEW = "audiences.links.view"
    CONFIRM_SUBSCRIPTION = "audiences.links.confirm"
    CONFIRM_SIGNUP = "audiences.link_requests.signup"
    CONFIRM_CHANNEL = "audiences.links.channel"
    CONFIRM_ADDRESS = "audiences.links.address"
    DATA = "audiences.links.data"
    SENT_TO = "audiences.links.sent_to"
    CAP = "audiences.request_caps"
    PROOF_OF_WORK = "audiences.proof_of_work"
    OUTCOME = "audiences.links.outcome"


class BadLink(Exception):
    """Forged, cut off, for another purpose, or too old: nothing more is said."""


def key_of_now() -> str:
    """The key that signs: the first of LINK_KEYS, else SECRET_KEY.

    What another key has signed can only stop messages.
    """
    return keys_in_use()[0]


def keys_in_use() -> list[str]:
    """The key that signs, then those of before, which only stop messages.

    Once there are LINK_KEYS, sessions and links rotate apart: SECRET_KEY has then
    signed links of before, and no new ones.
    """
    keys = [*settings.LINK_KEYS, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [*dict.fromkeys(keys)]


# ------------------------------------------------------------- tokens of web addresses
@dataclass(frozen=True)
class Signed:
    """What a token says, when it was signed (in seconds), and by the key of now?"""

    facts: list[Any]
    at: int
    by_key_of_now: bool


class _Dated(signing.TimestampSigner):
    """Signs as of a moment, in seconds, where that is not now."""

    at = 0

    def timestamp(self) -> str:
        return signing.b62_encode(self.at) if self.at else super().timestamp()


def sign(purpose: Purpose, facts: list[Any], *, at: int = 0) -> str:
    """A token of these facts that says when it was made: now, unless `at` is given."""
    signer = _signer(_Dated, purpose)
    signer.at = at
    return signer.sign_object(facts)


def read(purpose: Purpose, token: str) -> Signed:
    """What a dated token says, by whichever key; raises BadLink."""
    token = _whole(_DATED.match, token)
    at = signing.b62_decode(token.rsplit(".", 2)[1])
    for key in keys_in_use():
        signer = _signer(signing.TimestampSigner, purpose, key)
        try:
            return Signed(signer.unsign_object(token), at, key == key_of_now())
        except (signing.BadSignature, ValueError):
            continue
    raise BadLink


def read_to_start(purpose: Purpose, token: str) -> Signed:
    """The same of a token that starts something: by the key of now alone."""
    signed = read(purpose, token)
    if not signed.by_key_of_now:
        raise BadLink
    return signed


def sign_undated(purpose: Purpose, facts: list[Any]) -> str:
    """A token of these facts, for what has a date of its own."""
    return _signer(signing.Signer, purpose).sign_object(facts)


def read_undated(purpose: Purpose, token: str) -> list[Any]:
    """The facts, signed by the key of now: it starts something; raises BadLink."""
    signer = _signer(signing.Signer, purpose)
    try:
        facts: list[Any] = signer.unsign_object(_whole(_UNDATED.match, token))
    except (signing.BadSignature, ValueError) as error:
        raise BadLink from error
    return facts


def _signer(kind: type[_Signer], purpose: Purpose, key: str = "") -> _Signer:
    # A colon would need quoting in some places where addresses are written. Without
    # fallback keys: Django's own would make every key as good as the first.
    return kind(key=key or key_of_now(), fallback_keys=[], salt=purpose, sep=".")


def _whole(match: Callable[[str], re.Match[str] | None], text: str) -> str:
    """The token without what mail programs and people glue to it: `.`, `)`, `&utm…`.

    Its last part has 43 characters, and the next one is none of a token's: one with a
    letter more is another token, and a forged one.
    """
    found = match(text) if len(text) <= LONGEST_TOKEN else None
    if found is None:
        raise BadLink
    return found[0]


# ------------------------------------------------------ short signatures, keyed hashes
def mark(channel: str, key: str) -> str:
    """What a token says of the address that it was sent to: a keyed hash of 96 bits.

    Only the key of now makes and reads it: older tokens can start nothing anyway.
    """
    digest = keyed_hash(Purpose.SENT_TO, f"{channel}:{key}")
    return base64.urlsafe_b64encode(digest[:12]).decode()


def short_signature(salt: str, payload: str, key: str = "") -> str:
    """A signature for a mail address: 128 bits of an HMAC (RFC 2104, 5) in base32."""
    digest = keyed_hash(salt, payload, key)
    return base64.b32encode(digest[:16]).decode().rstrip("=").lower()


def is_short_signature(salt: str, payload: str, signature: str) -> bool:
    """Whether the signature is that of the payload, by any key that is in use."""
    return any(
        constant_time_compare(signature, short_signature(salt, payload, key))
        for key in keys_in_use()
    )


def keyed_hash(salt: str, text: str, key: str = "") -> bytes:
    """The HMAC of a text, by the key that signs unless another is given."""
    secret = key or key_of_now()
    return salted_hmac(salt, text, secret=secret, algorithm="sha256").digest()
