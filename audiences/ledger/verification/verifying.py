"""Whether everything in the ledger is still what it was, recomputed from the database.

One pass over the leaves in their order, in batches: each leaf is made again from its
row, and the hashes are folded into roots, which must be those of every checkpoint that
was kept here or elsewhere. So each checkpoint is proved to be a beginning of the
present. Then what has no leaf is looked for. Memory does not grow.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from django.db import transaction

from audiences import sql
from audiences.ledger import leaves, reading, removals, sealing, stored_tree, tree
from audiences.ledger.notes import VerifierKey
from audiences.ledger.reading import EVENTS, JOINED, LEAVES, Kind, Row, found_at, iso
from audiences.models import ConsentEvent, LedgerState
from audiences.sql import statements

from .checked_tree import CheckedTree, Claim
from .differences import Difference, LateActs, lapsed, unsealed_differences

BATCH = 10_000
# So many of one sort are named; the others are counted.
NAMED = 1_000


@dataclass
class Verification:
    """What was compared, and what differs."""

    leaves: int = 0
    checkpoints: int = 0
    unsealed: int = 0
    differences: list[Difference] = field(default_factory=list)
    unnamed: int = 0

    @property
    def is_consistent(self) -> bool:
        return not self.differences

    def add(self, found: Iterable[Difference]) -> None:
        for difference in found:
            if len(self.differences) < NAMED:
                self.differences.append(difference)
            else:
                self.unnamed += 1


def verify(
    claims: Iterable[Claim] = (),
    *,
    keys: Iterable[VerifierKey] = (),
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Verification:
    """Compare the database with the ledger, and the ledger with its checkpoints.

    `claims` are notes from elsewhere. `keys` are those that may have signed.
    """
    found = Verification()
    state, size = sealing.state(), stored_tree.size()
    checked = CheckedTree(claims, list(keys))
    found.add(checked.unreadable)
    if state is None or not size:
        found.add(_nothing_is_sealed())
    else:
        late = LateActs(checked.dated)
        for low in range(0, size, BATCH):
            high = min(low + BATCH, size)
            found.add(_batch(low, high, state, checked, late))
            on_progress(high, size)
        found.leaves = size
        for difference in unsealed_differences(state, late):
            if difference is None:
                found.unsealed += 1
            else:
                found.add([difference])
    found.add(checked.finish())
    found.checkpoints = checked.count
    return found


def _nothing_is_sealed() -> Iterator[Difference]:
    if ConsentEvent.objects.exists():
        yield Difference(
            "ledger",
            None,
            "nothing is sealed, though there are events: the ledger was emptied, or "
            "seal_ledger has never run",
        )


@dataclass(frozen=True)
class _Leaf:
    place: int
    kind: int
    source_id: int
    hash: bytes
    evidence: bytes | None


def _batch(
    low: int,
    high: int,
    state: LedgerState,
    checked: CheckedTree,
    late: LateActs,
) -> Iterator[Difference]:
    """The leaves of a range: events by one statement, the few others by their kind."""
    introduced_at = iso(state.introduced_at)
    others: dict[int, dict[int, _Leaf]] = {}
    lacking: list[tuple[int, int]] = []
    for leaf, row in _rows(low, high):
        yield from checked.add(leaf.place, leaf.hash)
        if leaf.kind != Kind.EVENT:
            others.setdefault(leaf.kind, {})[leaf.source_id] = leaf
        elif row is None:
            yield Difference("event", leaf.source_id, "is missing from the history")
        else:
            is_as_sealed = True
            for difference in _event(leaf, row, introduced_at, lacking):
                is_as_sealed = difference.what != "event"
                yield difference
            if is_as_sealed:
                yield from late.of(row.event, introduced_at, leaf.place)
    yield from checked.missing_before(high)
    for kind, sealed in others.items():
        yield from _small(kind, sealed, state)
    ids = [event_id for event_id, _profile in lacking]
    ended = lapsed(ids) | removals.ended(ids) if ids else set()
    for event_id, profile_id in lacking:
        if event_id not in ended:
            yield Difference(
                "evidence",
                event_id,
                f"is gone, without an erasure of profile {profile_id}",
            )


def _rows(low: int, high: int) -> Iterator[tuple[_Leaf, Row | None]]:
    with transaction.atomic():
        statements.expect_order()
        rows = sql.fetch(
            "SELECT l.id, l.kind, l.source_id, l.hash, l.evidence,"
            f" {reading.columns()} FROM {LEAVES} l"
            f" LEFT JOIN {EVENTS} e ON e.id = l.source_id AND l.kind = {Kind.EVENT}"
            f"{JOINED} WHERE l.id >= %s AND l.id < %s ORDER BY l.id",
            [low, high],
        )
    for place, kind, source_id, hash, evidence, *values in rows:
        digest = None if evidence is None else bytes(evidence)
        leaf = _Leaf(place, kind, source_id, bytes(hash), digest)
        yield leaf, None if values[0] is None else Row.of(values)


def _event(
    leaf: _Leaf, row: Row, introduced_at: str, lacking: list[tuple[int, int]]
) -> Iterator[Difference]:
    """The leaf of an event against its row; evidence that is gone is asked about."""
    event, name = row.event, row.erased
    if row.salt is not None:
        name = leaves.subject(row.salt, event.profile_id)
    if name is None:
        problem = (
            f"leads to nobody: the salt of profile {event.profile_id} is gone without "
            "an erasure"
        )
        yield Difference("event", event.id, problem)
        return
    found = found_at(event.recorded_at, introduced_at)
    again = leaves.event_leaf(event, name, leaf.evidence, found)
    if tree.leaf_hash(again) != leaf.hash:
        problem = (
            f"was altered: profile {event.profile_id}, {event.kind} at {event.at} by "
            f"{event.source} is not what was sealed"
        )
        yield Difference("event", event.id, problem)
        return
    present = row.evidence_digest(row.salt) if row.salt else leaf.evidence
    if present == leaf.evidence:
        return
    if present is None:
        lacking.append((event.id, event.profile_id))
    else:
        how = "was altered" if leaf.evidence else "was put in afterwards"
        yield Difference("evidence", event.id, how)


_WHAT = {
    Kind.VERSION: "wording",
    Kind.BUILT_IN: "built-in wording",
    Kind.ERASURE: "erasure",
    Kind.REMOVAL: "removal of evidence",
    Kind.INTRODUCTION: "ledger",
}


def _small(
    kind: int, sealed: dict[int, _Leaf], state: LedgerState
) -> Iterator[Difference]:
    introduced_at = iso(state.introduced_at)
    what = _WHAT[Kind(kind)]
    if kind == Kind.INTRODUCTION:
        first = leaves.introduction_leaf(state.origin, introduced_at)
        present = iter([(0, first)])
    else:
        present = reading.small_leaves(kind, introduced_at, list(sealed))
    seen = set()
    for pk, leaf in present:
        seen.add(pk)
        if tree.leaf_hash(leaf) != sealed[pk].hash:
            yield Difference(what, pk, f"{_named(kind, pk)}was altered")
    for pk in sealed:
        if pk not in seen:
            yield Difference(what, pk, "is missing")


def _named(kind: int, pk: int) -> str:
    if kind != Kind.VERSION:
        return ""
    return f"({reading.version_name(pk)}) "
