"""The tree of RFC 9162, 2.1: hashes of leaves and nodes, over data in memory."""

import hashlib
from collections.abc import Sequence

# Complete subtrees of 256 leaves are kept, of 256 times 256, and so on.
WIDTH_BITS = 8
WIDTH = 1 << WIDTH_BITS
EMPTY = hashlib.sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256 of 0x00 and the leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of 0x01 and both children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def paired(hashes: Sequence[bytes]) -> list[bytes]:
    """The level above an even number of neighbours."""
    sha256 = hashlib.sha256
    return [
        sha256(b"\x01" + left + right).digest()
        for left, right in zip(hashes[::2], hashes[1::2], strict=True)
    ]


def root(hashes: Sequence[bytes]) -> bytes:
    """The root over any number of neighbours: all complete subtrees of one size."""
    if not hashes:
        return EMPTY
    level, lone = list(hashes), b""
    while len(level) > 1 or lone:
        if len(level) % 2:
            last = level.pop()
            lone = node_hash(last, lone) if lone else last
        if not level:
            return lone
        level = paired(level)
    return level[0]


class Growing:
    """The complete subtrees of a tree that grows, largest first: constant memory.

    They are told apart by the bits of `size`.
    """

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def add(self, hash: bytes, leaves: int = 1) -> None:
        """Append a leaf, or a complete subtree of so many where there is room."""
        rest = self.size // leaves
        while rest & 1:
            hash = node_hash(self.peaks.pop(), hash)
            rest >>= 1
        self.peaks.append(hash)
        self.size += leaves

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY
        *rest, found = self.peaks
        for peak in reversed(rest):
            found = node_hash(peak, found)
        return found


def expected_root(
    hash: bytes, place: int, size: int, proof: Sequence[bytes]
) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2); None if it is
    none."""
    if not 0 <= place < size:
        return None
    number, last = place, size - 1
    for sibling in proof:
        if last == 0:
            return None
        if number & 1 or number == last:
            hash = node_hash(sibling, hash)
            while number and not number & 1:
                number >>= 1
                last >>= 1
        else:
            hash = node_hash(hash, sibling)
        number >>= 1
        last >>= 1
    return hash if last == 0 else None
