"""The tree as it is folded again, against the checkpoints that were signed of it."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from audiences.ledger.notes import BadNote, Checkpoint, VerifierKey, read
from audiences.ledger.tree import WIDTH, Growing, root
from audiences.models import LedgerCheckpoint, LedgerNode

from .differences import Difference

_HERE = "kept here"


@dataclass(frozen=True)
class Claim:
    """A signed note, and where it is from: a file, or the checkpoints kept here."""

    source: str
    note: str
    made_at: datetime | None = None


@dataclass(frozen=True, order=True)
class _Signed:
    size: int
    source: str
    root: bytes


class CheckedTree:
    """Takes the leaves one after another and compares roots as sizes are reached."""

    def __init__(self, claims: Iterable[Claim], keys: Sequence[VerifierKey]) -> None:
        self.keys = keys
        self.count = 0
        self.unreadable: list[Difference] = []
        # When what was signed elsewhere was signed: the size, and the moment.
        self.dated: list[tuple[int, datetime]] = []
        given = sorted(filter(None, map(self._read, claims)))
        self._due: Iterator[_Signed] = heapq.merge(given, self._kept())
        self._next = next(self._due, None)
        self._whole = Growing()  # all complete subtrees of 256 leaves
        self._tail: list[bytes] = []
        self._nodes: dict[int, bytes] = {}
        self._is_broken = False
        self._fits = 0
        self._wrong: list[_Signed] = []
        self._more_wrong = 0

    @property
    def size(self) -> int:
        return self._whole.size + len(self._tail)

    def _kept(self) -> Iterator[_Signed]:
        rows = LedgerCheckpoint.objects.order_by("size")
        for row in rows.iterator(2_000):
            read = self._read(Claim(_HERE, row.note))
            if read:
                yield read

    def _read(self, claim: Claim) -> _Signed | None:
        self.count += 1
        try:
            signed: Checkpoint = read(claim.note, *self.keys)
        except BadNote as error:
            self.unreadable.append(
                Difference("checkpoint", None, f"({claim.source}): {error}")
            )
            return None
        if signed.at and claim.source != _HERE:
            self.dated.append((signed.size, signed.at))
        return _Signed(signed.size, claim.source, signed.root)

    def add(self, place: int, hash: bytes) -> Iterator[Difference]:
        """Take the next leaf; tells of places that are missing before it."""
        yield from self.missing_before(place)
        if not self._is_broken:
            self._compare()
            self._tail.append(hash)
            if len(self._tail) == WIDTH:
                yield from self._complete()

    def missing_before(self, place: int) -> Iterator[Difference]:
        """Tell, once, that leaves are missing up to a place."""
        if not self._is_broken and self.size < place:
            self._is_broken = True
            yield Difference(
                "ledger", None, f"leaves {self.size} to {place - 1} are missing"
            )

    def _complete(self) -> Iterator[Difference]:
        number = self._whole.size // WIDTH
        if number not in self._nodes:
            rows = LedgerNode.objects.filter(
                level=1, number__gte=number, number__lt=number + WIDTH
            )
            kept = rows.values_list("number", "hash")
            self._nodes = {number: bytes(hash) for number, hash in kept}
        found = root(self._tail)
        if self._nodes.get(number) != found:
            low = self._whole.size
            yield Difference(
                "ledger",
                None,
                f"a hash among leaves {low} to {low + WIDTH - 1} was altered",
            )
        self._whole.add(found, WIDTH)
        self._tail = []

    def _compare(self) -> None:
        """Compare the root with all checkpoints of the size that is reached."""
        while self._next and self._next.size == self.size:
            if self._root() == self._next.root:
                self._fits = self.size
            elif len(self._wrong) < 20:
                self._wrong.append(self._next)
            else:
                self._more_wrong += 1
            self._next = next(self._due, None)

    def _root(self) -> bytes:
        whole = Growing()
        whole.size, whole.peaks = self._whole.size, [*self._whole.peaks]
        for hash in self._tail:
            whole.add(hash)
        return whole.root()

    def finish(self) -> Iterator[Difference]:
        """What is known once all leaves are in."""
        known = len(self.unreadable)
        if not self._is_broken:
            self._compare()
        for wrong in self._wrong:
            low = min(self._fits, wrong.size)
            yield Difference(
                "checkpoint",
                wrong.size,
                f"({wrong.source}): the first {wrong.size} leaves are not those that "
                f"it has signed; the difference is among leaves {low} to "
                f"{wrong.size - 1}",
            )
        if self._more_wrong:
            yield Difference(
                "checkpoint", None, f"{self._more_wrong} more do not fit either"
            )
        while self._next:
            reason = (
                "cannot be reached: leaves are missing"
                if self._is_broken
                else f"has {self._next.size} leaves, and the ledger only {self.size}"
            )
            yield Difference(
                "checkpoint", self._next.size, f"({self._next.source}): {reason}"
            )
            self._next = next(self._due, None)
        # Those that were read on the way.
        yield from self.unreadable[known:]
