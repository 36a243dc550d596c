"""The one place that signs, and reads what was signed: keys, purposes, limits.

Each purpose has a salt of its own, so that a token of one cannot serve another. Salts
look like the names of modules and are not: never change a letter, or every link that
was ever mailed is dead.
"""

import base64
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac

LONGEST_TOKEN = 2_000
_Signer = TypeVar("_Signer", bound=signing.Signer)


class Purpose(StrEnum):
    """What a signature or a keyed hash is for, by its salt."""

    OPT_OUT = "audiences.links.optout"
    PAGE = "audiences.links.page"
    UNDO = "audiences.links.undo"
    MAIL = "audiences.links.mail"
    VIEW = "audiences.links.view"
    CONFIRM_SUBSCRIPTION = "audiences.links.confirm"
    CONFIRM_SIGNUP = "audiences.link_requests.signup"
    CAP = "audiences.request_caps"
    PROOF_OF_WORK = "audiences.proof_of_work"


class BadLink(Exception):
    """Forged, cut off, for another purpose, or too old: nothing more is said."""


def keys_in_use() -> list[str]:
    """The keys that are in use: the first one signs, every one reads."""
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


# ------------------------------------------------------------- tokens of web addresses
def sign(purpose: Purpose, facts: list[Any]) -> str:
    """A token of these facts that says when it was made."""
    return _signer(signing.TimestampSigner, purpose).sign_object(facts)


def read(
    purpose: Purpose, token: str, max_age: timedelta | None = None
) -> tuple[list[Any], int]:
    """The signed facts, and when they were signed, in seconds; raises BadLink."""
    signer = _signer(signing.TimestampSigner, purpose)
    facts = _unsigned(signer, token, max_age=max_age)
    return facts, signing.b62_decode(token.rsplit(".", 2)[1])


def sign_undated(purpose: Purpose, facts: list[Any]) -> str:
    """A token of these facts, for what has a date of its own."""
    return _signer(signing.Signer, purpose).sign_object(facts)


def read_undated(purpose: Purpose, token: str) -> list[Any]:
    """The signed facts; raises BadLink."""
    return _unsigned(_signer(signing.Signer, purpose), token)


def _signer(kind: type[_Signer], purpose: Purpose) -> _Signer:
    first, *others = keys_in_use()
    # A colon would need quoting in some places where addresses are written.
    return kind(key=first, fallback_keys=[*others], salt=purpose, sep=".")


def _unsigned(signer: signing.Signer, token: str, **limits: Any) -> list[Any]:
    if len(token) > LONGEST_TOKEN:
        raise BadLink
    try:
        facts: list[Any] = signer.unsign_object(token, **limits)
    except (signing.BadSignature, ValueError) as error:
        raise BadLink from error
    return facts


# ------------------------------------------------------ short signatures, keyed hashes
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
    secret = key or keys_in_use()[0]
    return salted_hmac(salt, text, secret=secret, algorithm="sha256").digest()
