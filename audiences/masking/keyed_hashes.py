"""HMAC-SHA-256 of many texts by one key (RFC 2104)."""

import hashlib
from collections.abc import Callable
from typing import Any

_BLOCK = 64


def keyed(key: bytes) -> Callable[[bytes], Any]:
    """What makes the finished hash of a text: `.digest()`, `.hexdigest()`.

    The key, of at most 64 bytes, is taken in once (RFC 2104, 4). It is most of the work
    for a short text.
    """
    if len(key) > _BLOCK:
        raise ValueError("the key is longer than a block")
    padded = key.ljust(_BLOCK, b"\0")
    begin_inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded)).copy
    begin_outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded)).copy

    def hashed(text: bytes) -> Any:
        inner, outer = begin_inner(), begin_outer()
        inner.update(text)
        outer.update(inner.digest())
        return outer

    return hashed
