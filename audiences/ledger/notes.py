"""Checkpoints as others read them: C2SP tlog-checkpoint within a C2SP signed-note.

A checkpoint says the ledger's name, how many leaves there are, and their root. Its
signature is Ed25519 over that text. https://c2sp.org/tlog-checkpoint,
https://c2sp.org/signed-note
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from audiences.refusals import Refused

_ED25519 = b"\x01"
_TIME = "time "
_SIGNED = "\u2014 "  # an em dash begins each line with a signature


class BadNote(Refused):
    """A text is no checkpoint, or nobody known has signed it; the message says why."""


@dataclass(frozen=True)
class Checkpoint:
    """How many leaves the ledger of this name has, their root, and since when.

    The moment is a line that extends the checkpoint, which others pass over: who keeps
    a note elsewhere knows that what comes after its leaves was recorded later.
    """

    origin: str
    size: int
    root: bytes
    at: datetime | None = None

    @property
    def text(self) -> str:
        """What is signed."""
        root = base64.b64encode(self.root).decode()
        time = f"{_TIME}{self.at.astimezone(UTC).isoformat()}\n" if self.at else ""
        return f"{self.origin}\n{self.size}\n{root}\n{time}"


@dataclass(frozen=True)
class VerifierKey:
    """A public key under a name; its text is `<name>+<hash>+<base64>`."""

    name: str
    raw: bytes

    @classmethod
    def of(cls, text: str) -> "VerifierKey":
        """Read the text; raises BadNote."""
        name, _plus, rest = text.strip().partition("+")
        hash, _plus, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise BadNote("The public key is not in base64.") from error
        key = cls(name, raw[1:])
        if len(raw) != 33 or raw[:1] != _ED25519 or key.id.hex() != hash:
            raise BadNote(
                "This is no verifier key such as ledger_checkpoint --public-key prints."
            )
        return key

    @property
    def id(self) -> bytes:
        data = self.name.encode() + b"\n" + _ED25519 + self.raw
        return hashlib.sha256(data).digest()[:4]

    def __str__(self) -> str:
        encoded = base64.b64encode(_ED25519 + self.raw).decode()
        return f"{self.name}+{self.id.hex()}+{encoded}"


def verifier_key(name: str, key: Ed25519PrivateKey) -> VerifierKey:
    """The public half of a key under a name."""
    return VerifierKey(name, key.public_key().public_bytes_raw())


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The signed note of a checkpoint, under the name of the ledger."""
    known = verifier_key(checkpoint.origin, key)
    signature = base64.b64encode(known.id + key.sign(checkpoint.text.encode()))
    return f"{checkpoint.text}\n{_SIGNED}{known.name} {signature.decode()}\n"


def read(note: str, *keys: VerifierKey) -> Checkpoint:
    """The checkpoint of a signed note; raises BadNote unless one of the keys signed.

    Lines of other signers, such as witnesses, are passed over. So are lines that
    extend a checkpoint.
    """
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise BadNote("This is no signed note: it may have been cut off.")
    checkpoint = _checkpoint(text + "\n")
    signatures = list(_signatures(lines))
    for key in keys:
        for name, id, signature in signatures:
            if (name, id) == (key.name, key.id):
                try:
                    public = Ed25519PublicKey.from_public_bytes(key.raw)
                    public.verify(signature, (text + "\n").encode())
                except InvalidSignature:
                    raise BadNote(
                        "The signature of the checkpoint does not fit: it was altered."
                    ) from None
                return checkpoint
    names = ", ".join(f"{name}+{id.hex()}" for name, id, _signature in signatures)
    wanted = " or ".join(f"{key.name}+{key.id.hex()}" for key in keys)
    raise BadNote(f"The checkpoint is signed by {names}, not by {wanted}.")


def _checkpoint(text: str) -> Checkpoint:
    origin, size, root, *more = [*text.split("\n"), "", ""]
    try:
        raw = base64.b64decode(root, validate=True)
    except binascii.Error:
        raw = b""
    if not origin or not re.fullmatch(r"0|[1-9][0-9]{0,17}", size) or len(raw) != 32:
        raise BadNote(
            "This is no checkpoint: its lines are a name, a number of leaves and a "
            "root of 32 bytes in base64."
        )
    times = [line.removeprefix(_TIME) for line in more if line.startswith(_TIME)]
    return Checkpoint(origin, int(size), raw, _moment(times[0]) if times else None)


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:  # somebody else's line
        return None
    return at if at.tzinfo else None


def _signatures(lines: str) -> Iterator[tuple[str, bytes, bytes]]:
    for line in lines.splitlines():
        name, space, encoded = line.removeprefix(_SIGNED).rpartition(" ")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raw = b""
        if not line.startswith(_SIGNED) or not space or len(raw) < 5:
            raise BadNote("A line of the signatures is no signature.")
        yield name, raw[:4], raw[4:]


def split(text: str) -> list[str]:
    """The notes that a file holds, one after another; empty lines between them."""
    notes: list[str] = []
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").splitlines(keepends=True):
        is_signature = line.startswith(_SIGNED)
        if lines and lines[-1].startswith(_SIGNED) and not is_signature:
            notes.append("".join(lines))
            lines = []
        if lines or line.strip():
            lines.append(line)
    return notes + (["".join(lines)] if lines else [])
