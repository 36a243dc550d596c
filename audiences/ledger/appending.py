"""Appending leaves, and the subtrees that become complete by them."""

from collections import Counter
from collections.abc import Iterable

from django.db.models import F

from audiences import sql
from audiences.models import LedgerCount, LedgerLeaf, LedgerNode

from . import stored_tree, tree
from .tree import WIDTH


class Appending:
    """Leaves of one transaction, written together. One process appends at a time."""

    def __init__(self) -> None:
        self._size = stored_tree.size()
        start = self._size - self._size % WIDTH
        self._tail = stored_tree.hashes(0, start, self._size)
        self._leaves: list[tuple[int, int, int, bytes, bytes | None]] = []
        self._nodes: dict[tuple[int, int], bytes] = {}

    def add(
        self, kind: int, source_id: int, leaf: bytes, evidence: bytes | None = None
    ) -> None:
        """Append the leaf of a row."""
        hash = tree.leaf_hash(leaf)
        self._leaves.append((self._size, int(kind), source_id, hash, evidence))
        self._tail.append(hash)
        self._size += 1
        if len(self._tail) == WIDTH:
            self._complete(1, self._size // WIDTH - 1, self._tail)
            self._tail = []

    def flush(self) -> None:
        """Write what was appended."""
        columns = ["id", "kind", "source_id", "hash", "evidence"]
        sql.bulk_insert(LedgerLeaf, columns, self._leaves)
        nodes = [(*place, hash) for place, hash in self._nodes.items()]
        if nodes:
            sql.bulk_insert(LedgerNode, ["level", "number", "hash"], nodes)

    def _complete(self, level: int, number: int, below: list[bytes]) -> None:
        self._nodes[level, number] = tree.root(below)
        above, place = divmod(number, WIDTH)
        if place == WIDTH - 1:
            low = above * WIDTH
            row = stored_tree.hashes(level, low, low + WIDTH)
            new = range(low + len(row), low + WIDTH)
            row += [self._nodes[level, place] for place in new]
            self._complete(level + 1, above, row)


def count(acts: Iterable[tuple[str, str]]) -> None:
    """Add events that got their leaf, by kind and source, to how many there were.

    An event gets one leaf, also after a restore; so each is counted once.
    """
    for (kind, source), more in sorted(Counter(acts).items()):
        rows = LedgerCount.objects.filter(kind=kind, source=source)
        if not rows.update(count=F("count") + more):
            LedgerCount.objects.create(kind=kind, source=source, count=more)
