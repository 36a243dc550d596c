"""The tree as the database keeps it: leaves, and complete subtrees of 256, 65,536 …

Roots and proofs of any earlier size are computed from a few hundred hashes.
"""

from audiences.models import LedgerLeaf, LedgerNode

from . import tree
from .tree import WIDTH, WIDTH_BITS


def size() -> int:
    """How many leaves there are."""
    last = LedgerLeaf.objects.order_by("-id").values_list("id", flat=True).first()
    return 0 if last is None else last + 1


def hashes(level: int, low: int, high: int) -> list[bytes]:
    """The kept hashes of a level from `low` up to `high`; level 0 is the leaves."""
    if low >= high:
        return []
    if level == 0:
        leaves = LedgerLeaf.objects.filter(id__gte=low, id__lt=high).order_by("id")
        return [bytes(hash) for hash in leaves.values_list("hash", flat=True)]
    nodes = LedgerNode.objects.filter(level=level, number__gte=low, number__lt=high)
    return [
        bytes(hash) for hash in nodes.order_by("number").values_list("hash", flat=True)
    ]


class Proofs:
    """Roots and proofs at one size of the tree; hashes that were read are kept."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._kept: dict[tuple[int, int], list[bytes]] = {}

    def root(self) -> bytes:
        return self._range(0, self.size) if self.size else tree.EMPTY

    def inclusion(self, place: int) -> list[bytes]:
        """The proof that a leaf is in the tree of this size (RFC 9162, 2.1.3.1)."""
        low, high, path = 0, self.size, []
        while high - low > 1:
            middle = low + _split(high - low)
            if place < middle:
                path.append(self._range(middle, high))
                high = middle
            else:
                path.append(self._range(low, middle))
                low = middle
        return path[::-1]

    def consistency(self, old: int) -> list[bytes]:
        """The proof that the tree of `old` leaves is its beginning (2.1.4.1)."""
        low, high, path, is_whole = 0, self.size, [], True
        if not 0 < old < self.size:
            return []
        while old != high:
            middle = low + _split(high - low)
            if old <= middle:
                path.append(self._range(middle, high))
                high = middle
            else:
                path.append(self._range(low, middle))
                low, is_whole = middle, False
        if not is_whole:
            path.append(self._range(low, high))
        return path[::-1]

    def _range(self, low: int, high: int) -> bytes:
        """The hash over leaves from `low` up to `high`, a node of this tree."""
        count = high - low
        if count & (count - 1):
            middle = low + _split(count)
            return tree.node_hash(self._range(low, middle), self._range(middle, high))
        level = (count.bit_length() - 1) // WIDTH_BITS
        width = 1 << (level * WIDTH_BITS)
        number, length = low // width, count // width
        row = self._row(level, number // WIDTH)
        start = number % WIDTH
        return tree.root(row[start : start + length])

    def _row(self, level: int, number: int) -> list[bytes]:
        """The up to 256 hashes of a level below one node of the next."""
        key = (level, number)
        if key not in self._kept:
            self._kept[key] = hashes(level, number * WIDTH, (number + 1) * WIDTH)
        return self._kept[key]


def _split(count: int) -> int:
    """The largest power of two below a number of leaves."""
    return 1 << ((count - 1).bit_length() - 1)
