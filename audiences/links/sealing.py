"""What only we can read again: facts that travel in a web address for a while.

Histories of browsers and logs of proxies keep addresses; what somebody typed must not
stand there in clear. Encrypted and dated by Fernet (AES-128 in CBC, HMAC of SHA-256).
"""

import base64
import json
import zlib
from datetime import timedelta
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from audiences.links import signing
from audiences.links.signing import BadLink, Purpose


def seal(facts: dict[str, Any]) -> str:
    """The facts as a text for an address, by the key of now."""
    text = json.dumps(facts, separators=(",", ":")).encode()
    return _box().encrypt(zlib.compress(text)).decode().rstrip("=")


def unseal(text: str, *, within: timedelta) -> dict[str, Any]:
    """The facts again; raises BadLink: forged, cut off, too old, or by another key.

    Each release has keys of its own: another one may keep other facts.
    """
    whole = text + "=" * (-len(text) % 4)
    try:
        opened = _box().decrypt(whole.encode(), ttl=int(within.total_seconds()))
    except InvalidToken as error:
        raise BadLink from error
    facts: dict[str, Any] = json.loads(zlib.decompress(opened))
    return facts


def _box() -> Fernet:
    key = signing.keyed_hash(Purpose.OUTCOME, settings.VERSION)
    return Fernet(base64.urlsafe_b64encode(key))
