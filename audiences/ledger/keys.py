"""The key that signs checkpoints: LEDGER_KEY, or one made for use on this machine."""

import base64
import binascii
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from audiences.refusals import Refused

from .notes import VerifierKey, verifier_key
from .sealing import origin

REMEDY = (
    "Set LEDGER_KEY to 32 random bytes in base64 (python -c 'import base64, os; "
    "print(base64.b64encode(os.urandom(32)).decode())') and keep it secret."
)


class NoLedgerKey(Refused):
    """There is no key to sign checkpoints with; the message says what to do."""


def signing_key() -> Ed25519PrivateKey:
    """The key; raises NoLedgerKey. On one's own machine it is made once, in var/."""
    text = settings.LEDGER_KEY
    if not text and settings.DEBUG:
        text = _local(Path(settings.VAR_DIR) / "ledger.key")
    if not text:
        raise NoLedgerKey(f"LEDGER_KEY is not set. {REMEDY}")
    return parsed(text)


def parsed(text: str) -> Ed25519PrivateKey:
    """The key of a seed in base64; raises NoLedgerKey."""
    try:
        seed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        seed = b""
    if len(seed) != 32:
        raise NoLedgerKey(f"LEDGER_KEY is not 32 bytes in base64. {REMEDY}")
    return Ed25519PrivateKey.from_private_bytes(seed)


def _local(path: Path) -> str:
    seed = base64.b64encode(os.urandom(32)).decode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(seed + "\n")
    return seed


def public_key() -> VerifierKey:
    """What others verify checkpoints with; raises NoLedgerKey."""
    return verifier_key(origin(), signing_key())


def known_keys() -> list[VerifierKey]:
    """The present key, and those of before that LEDGER_FORMER_KEYS names."""
    former = [VerifierKey.of(text) for text in settings.LEDGER_FORMER_KEYS]
    return [public_key(), *former]
