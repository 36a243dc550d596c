"""What may differ, and the rules about moments that an honest history keeps."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Subquery

from audiences import sql
from audiences.ledger import reading
from audiences.ledger.leaves import Event
from audiences.ledger.reading import EVENTS, LEAVES, Kind, days_late, iso
from audiences.models import (
    ConsentEvent,
    LandingPageVersion,
    LedgerCheckpoint,
    LedgerErasure,
    LedgerLeaf,
    LedgerRemoval,
    LedgerState,
    Profile,
)
from audiences.sql import statements

# An act is recorded within this time where its door records at once.
AT_ONCE = timedelta(days=1)
_DOORS = frozenset(
    ConsentEvent.Source(name)
    for name in ("operator", "command", "landing_page", "one_click", "mail")
)
# A request may wait for its confirmation; an expiry is nobody's act.
_WAITS = frozenset(
    [ConsentEvent.Kind.REQUEST.value, ConsentEvent.Kind.EXPIRE.value],
)
_IDS = 200_000


@dataclass(frozen=True)
class Difference:
    """One thing that is not what the ledger says."""

    what: str
    id: int | None
    problem: str

    def __str__(self) -> str:
        number = "" if self.id is None else f" {self.id}"
        return f"{self.what}{number} {self.problem}"


class LateActs:
    """Acts that were put in later than they say; leaves come in their order.

    `dated` are checkpoints from elsewhere with their moments: those that are kept here
    may have been deleted.
    """

    def __init__(self, dated: Iterable[tuple[int, datetime]] = ()) -> None:
        rows = LedgerCheckpoint.objects.order_by("size")
        kept = rows.values_list("size", "made_at").iterator(2_000)
        self._checkpoints = heapq.merge(sorted(dated), kept)
        self._next = next(self._checkpoints, None)
        self._signed_before = ""

    def of(
        self, event: Event, introduced_at: str, place: int | None
    ) -> Iterator[Difference]:
        """The difference of an event at a place, or of one that is not sealed yet."""
        yield from self._too_late(event, introduced_at)
        while self._next and (place is None or self._next[0] <= place):
            signed = iso(self._next[1] - AT_ONCE)
            self._signed_before = max(self._signed_before, signed)
            self._next = next(self._checkpoints, None)
        recorded = event.recorded_at or introduced_at
        if recorded < self._signed_before:
            yield Difference(
                "event",
                event.id,
                f"was put in afterwards: it says that it was recorded at {recorded}, "
                "and later checkpoints do not have it",
            )

    def _too_late(self, event: Event, introduced_at: str) -> Iterator[Difference]:
        if event.source not in _DOORS or event.kind in _WAITS:
            return
        # What the ledger found nobody can judge. Most acts are of the same day.
        if event.recorded_at is None or event.recorded_at <= introduced_at:
            return
        if event.recorded_at[:10] == event.at[:10]:
            return
        late = days_late(event)
        if late is not None and abs(late) > AT_ONCE / timedelta(days=1):
            yield Difference(
                "event",
                event.id,
                f"was put in afterwards: profile {event.profile_id}, {event.kind} at "
                f"{event.at} by {event.source}, which records at once, was recorded at "
                f"{event.recorded_at}",
            )


def lapsed(event_ids: Sequence[int]) -> set[int]:
    """Requests whose evidence may be gone: nobody confirmed them until they expired."""
    after = ConsentEvent.objects.filter(
        profile_id=OuterRef("profile_id"),
        channel="",
        service_id=OuterRef("service_id"),
        pk__gt=OuterRef("pk"),
    ).exclude(kind=ConsentEvent.Kind.REQUEST)
    rows = ConsentEvent.objects.filter(
        pk__in=event_ids, kind=ConsentEvent.Kind.REQUEST
    ).alias(next_kind=Subquery(after.order_by("pk").values("kind")[:1]))
    ended = rows.filter(next_kind=ConsentEvent.Kind.EXPIRE)
    return set(ended.values_list("pk", flat=True))


def unsealed_differences(
    state: LedgerState, late: LateActs
) -> Iterator[Difference | None]:
    """What has no leaf: None for an event that will be sealed, else the difference."""
    introduced_at = iso(state.introduced_at)
    for values in _unsealed():
        row = reading.Row.of(values)
        event, number = row.event, row.transaction_id
        place = (number or 0, event.id)
        if place <= (state.transaction_id, state.event_id):
            yield Difference(
                "event",
                event.id,
                f"was put in afterwards: profile {event.profile_id}, {event.kind} at "
                f"{event.at} by {event.source} has no leaf",
            )
        else:
            found = None
            for found in late.of(event, introduced_at, None):
                yield found
            if found is None:
                yield None
    yield from _unsealed_others(state)


def _unsealed() -> Iterator[Sequence[object]]:
    """Events without a leaf, by ranges of ids."""
    last = ConsentEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    for low in range(0, (last or 0) + 1, _IDS):
        with transaction.atomic():
            statements.expect_order()
            found = sql.fetch(
                f"SELECT {reading.columns()} FROM {EVENTS} e{reading.JOINED}"
                " WHERE e.id >= %s AND e.id < %s AND NOT EXISTS"
                f" (SELECT 1 FROM {LEAVES} l WHERE l.kind = {Kind.EVENT}"
                " AND l.source_id = e.id) ORDER BY e.id",
                [low, low + _IDS],
            )
        yield from found


def _unsealed_others(state: LedgerState) -> Iterator[Difference]:
    """What else nobody sealed, and erasures of who is there."""
    before = (state.sealed_at or state.introduced_at) - AT_ONCE
    versions = LandingPageVersion.objects.filter(published_at__lt=before)
    for version in versions.exclude(_has_leaf(Kind.VERSION)).order_by("pk"):
        yield Difference(
            "wording", version.pk, f"({version.name}) was put in afterwards"
        )
    old = Q(is_sealed=True) | Q(at__lt=before)
    erasures = LedgerErasure.objects.order_by("pk")
    for row in erasures.filter(old).exclude(_has_leaf(Kind.ERASURE)):
        yield Difference("erasure", row.pk, "was put in afterwards")
    removals = LedgerRemoval.objects.filter(at__lt=before).exclude(
        _has_leaf(Kind.REMOVAL)
    )
    for removal in removals.order_by("pk"):
        yield Difference("removal of evidence", removal.pk, "was put in afterwards")
    there = Profile.objects.filter(pk=OuterRef("profile_id"))
    for row in erasures.filter(Exists(there)):
        yield Difference(
            "erasure", row.pk, f"is of profile {row.profile_id}, who is there"
        )


def _has_leaf(kind: int) -> Exists:
    return Exists(LedgerLeaf.objects.filter(kind=kind, source_id=OuterRef("pk")))
