"""Time stamps of checkpoints by a service (RFC 3161): a third party says when.

A request holds the digest of the note and a nonce; the answer must be granted and say
both again. The service's signature within it is for whoever needs it, with the
service's own certificate (`openssl ts -verify`).
"""

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime

import requests

from audiences.refusals import Refused

PATIENCE = 30
_LARGEST = 100_000
_SHA256 = bytes.fromhex("0609608648016503040201")
_INTEGER, _OCTETS, _SEQUENCE, _TIME = 0x02, 0x04, 0x30, 0x18
# id-ct-TSTInfo, the content that the token signs.
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")


class NoStamp(Refused):
    """The service gave no stamp; the message says why."""


@dataclass(frozen=True)
class Stamp:
    """The whole answer of the service, and the time that it says."""

    answer: bytes
    at: datetime


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def request(digest: bytes, nonce: int) -> bytes:
    """A TimeStampReq (2.4.1): version 1, SHA-256, the nonce, and the certificate."""
    imprint = _imprint(digest)
    number = nonce.to_bytes(9, "big")
    version = _element(_INTEGER, b"\x01")
    drawn = _element(_INTEGER, number.lstrip(b"\0"))
    return _element(_SEQUENCE, version + imprint + drawn + b"\x01\x01\xff")


def _imprint(digest: bytes) -> bytes:
    algorithm = _element(_SEQUENCE, _SHA256 + b"\x05\x00")
    return _element(_SEQUENCE, algorithm + _element(_OCTETS, digest))


def stamp(note: str, url: str) -> Stamp:
    """Have a note stamped; raises NoStamp."""
    digest = hashlib.sha256(note.encode()).digest()
    # A positive number of 64 bits, whose first byte is not zero.
    nonce = int.from_bytes(os.urandom(8), "big") >> 1 | 1 << 62
    try:
        answer = requests.post(
            url,
            data=request(digest, nonce),
            headers={"Content-Type": "application/timestamp-query"},
            timeout=PATIENCE,
        )
        answer.raise_for_status()
    except requests.RequestException as error:
        raise NoStamp(f"The time-stamping service: {error}") from error
    return read(answer.content, digest, nonce)


def read(answer: bytes, digest: bytes, nonce: int) -> Stamp:
    """The stamp in a TimeStampResp (2.4.2) for digest and nonce; raises NoStamp."""
    try:
        status, rest = _open(_open(answer[:_LARGEST], _SEQUENCE)[0], _SEQUENCE)
        granted = int.from_bytes(_open(status, _INTEGER)[0], "big")
        if granted > 1:
            raise NoStamp(f"The time-stamping service refused: status {granted}.")
        place = rest.index(_TST_INFO) + len(_TST_INFO)
        info, _rest = _open(_open(_open(rest[place:], 0xA0)[0], _OCTETS)[0], _SEQUENCE)
        return Stamp(answer, _time(info, digest, nonce))
    except (ValueError, IndexError) as error:
        raise NoStamp("The answer of the time-stamping service is none.") from error


def _time(info: bytes, digest: bytes, nonce: int) -> datetime:
    """The time of a TSTInfo, which must be about the digest and have the nonce."""
    _version, rest = _open(info, _INTEGER)
    _policy, rest = _open(rest, 0x06)
    imprint, rest = _open(rest, _SEQUENCE)
    _algorithm, octets = _open(imprint, _SEQUENCE)
    _serial, rest = _open(rest, _INTEGER)
    time, rest = _open(rest, _TIME)
    if _open(octets, _OCTETS)[0] != digest or not _has_integer(rest, nonce):
        raise NoStamp("The time stamp is for something else.")
    text = time.decode("ascii").removesuffix("Z").partition(".")[0]
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _has_integer(rest: bytes, wanted: int) -> bool:
    while rest:
        tag = rest[0]
        content, rest = _open(rest, tag)
        if tag == _INTEGER and int.from_bytes(content, "big") == wanted:
            return True
    return False


def _open(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """The content of the first element, and what follows it; raises ValueError."""
    if data[0] != tag:
        raise ValueError(f"not an element {tag:#x}")
    size, start = data[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[2:start], "big")
    if start + size > len(data):
        raise ValueError("cut off")
    return data[start : start + size], data[start + size :]
