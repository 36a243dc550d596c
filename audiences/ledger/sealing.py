"""Sealing: what was committed becomes leaves, in an order that loses no late commit.

Whoever writes consent pays nothing: this follows. Events come in the order of the
transactions that wrote them, up to the horizon below which every transaction has ended
(PostgreSQL manual, 9.27.10): a transaction that commits late is still above it. By id
such a transaction would be passed over. SQLite has one writer at a time; its clock
(`audiences.changes`) numbers what was written between two looks.

Wordings and erasures are few: they are sealed when they have no leaf yet.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from audiences import changes, landing_pages, sql
from audiences.models import (
    ConsentEvent,
    LandingPage,
    LandingPageVersion,
    LedgerErasure,
    LedgerLeaf,
    LedgerRemoval,
    LedgerState,
    LedgerWording,
)
from audiences.models.landing_pages import all_languages
from audiences.sql import statements

from . import leaves, reading, stored_tree, subjects
from .appending import Appending, count
from .reading import EVENTS, JOINED, LEAVES, Kind, Row, found_at, iso

# Seconds between two tries of somebody who waits.
_PAUSE = 0.2
# Events that one transaction seals.
BATCH = 10_000
_NO_LIMIT = 2**63 - 1


@dataclass(frozen=True)
class Sealed:
    """What one run has sealed, and how many leaves there are now."""

    leaves: int
    size: int


def state() -> LedgerState | None:
    """The state of the ledger; None in a database that was emptied."""
    return LedgerState.objects.order_by("pk").first()


def origin() -> str:
    """What the ledger is called in its checkpoints: once introduced, for ever."""
    kept = state()
    if kept and kept.origin:
        return kept.origin
    return f"{urlsplit(settings.BASE_URL).netloc}/ledger"


def seal(on_progress: Callable[[int], None] = lambda count: None) -> Sealed:
    """Seal everything that is committed for certain; raises Locked while another does.

    The first time introduces the ledger: what is there already is sealed as found.
    """
    with sql.process_lock("ledger"):
        before = stored_tree.size()
        kept = _introduced()
        # Before the wordings are read, so that those are sealed that events name.
        seen = horizon()
        _keep_built_in_wordings()
        _seal_small(Kind.VERSION, kept)
        _seal_small(Kind.BUILT_IN, kept)
        if kept.transaction_id >= seen.high:
            _seal_from_another_server(kept, seen)
        while _seal_events(kept, seen.low):
            on_progress(stored_tree.size())
        _seal_erasures(kept)
        _seal_small(Kind.REMOVAL, kept)
        LedgerState.objects.filter(pk=kept.pk).update(sealed_at=timezone.now())
        size = stored_tree.size()
    return Sealed(size - before, size)


def seal_all(
    patience: float, on_progress: Callable[[int], None] = lambda count: None
) -> tuple[Sealed, bool]:
    """Seal all that is there now, and whether that was possible in so many seconds.

    Waits for another process that seals, and for transactions that are still open.
    """
    deadline = time.monotonic() + patience
    before = stored_tree.size()
    newest = ConsentEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    is_complete = False
    while not is_complete:
        with suppress(sql.Locked):
            seal(on_progress)
            is_complete = not unsealed().filter(pk__lte=newest or 0).exists()
        if is_complete or time.monotonic() >= deadline:
            break
        time.sleep(_PAUSE)
    size = stored_tree.size()
    return Sealed(size - before, size), is_complete


def horizon() -> changes.Seen:
    """Up to which transaction everything has ended."""
    return changes.now()


def introduce() -> None:
    """Let what is there now count as found; what is sealed already goes on as it is.

    The migration that makes the ledger does this for what was there before.
    """
    if not LedgerLeaf.objects.exists():
        LedgerState.objects.update_or_create(
            defaults={"origin": "", "introduced_at": Now()}
        )


def _introduced() -> LedgerState:
    """The state, with the first leaf sealed."""
    if state() is None:
        introduce()
    kept = LedgerState.objects.get()
    if not kept.origin:
        with transaction.atomic():
            kept.origin = origin()
            kept.save(update_fields=["origin"])
            appending = Appending()
            leaf = leaves.introduction_leaf(kept.origin, iso(kept.introduced_at))
            appending.add(Kind.INTRODUCTION, 0, leaf)
            appending.flush()
    return kept


# ---------------------------------------------------------------- events
def _seal_events(kept: LedgerState, low: int) -> bool:
    """Seal a batch of events below a transaction; returns whether there may be more."""
    last = _seal_batch(kept, (kept.transaction_id, kept.event_id), low)
    if last is None and low - 1 > kept.transaction_id:
        # All before is sealed, also what a restored backup brought back.
        _move(kept, low - 1, 0)
    return last is not None


def _move(kept: LedgerState, transaction_id: int, event_id: int) -> None:
    kept.transaction_id, kept.event_id = transaction_id, event_id
    kept.save(update_fields=["transaction_id", "event_id"])


def _seal_from_another_server(kept: LedgerState, seen: changes.Seen) -> None:
    """After a restore into another server: its transactions begin at low numbers.

    What the old server wrote last is sealed first; then everything is looked through
    once for what has no leaf.
    """
    after: tuple[int, int] | None = (seen.high, 0)
    while after:
        after = _seal_batch(kept, after, _NO_LIMIT, moves=False)
    _move(kept, 0, 0)


def _seal_batch(
    kept: LedgerState, after: tuple[int, int], below: int, *, moves: bool = True
) -> tuple[int, int] | None:
    """Seal the next events; returns the last one's place, None when there was none."""
    with transaction.atomic():
        statements.expect_order()
        found = sql.fetch(
            f"SELECT {reading.columns()}, l.id FROM {EVENTS} e{JOINED}"
            f" LEFT JOIN {LEAVES} l ON l.kind = {Kind.EVENT} AND l.source_id = e.id"
            " WHERE (e.transaction_id, e.id) > (%s, %s) AND e.transaction_id < %s"
            " ORDER BY e.transaction_id, e.id LIMIT %s",
            [*after, below, BATCH],
        )
        if not found:
            return None
        # After a restore there may be some that have a leaf.
        _append([Row.of(v) for v in found if v[-1] is None], iso(kept.introduced_at))
        last = Row.of(found[-1])
        place = (last.transaction_id or 0, last.event.id)
        if moves:
            _move(kept, *place)
    return place


def _append(rows: list[Row], introduced_at: str) -> None:
    unnamed = {
        row.event.profile_id for row in rows if row.salt is None and row.erased is None
    }
    salts, gone = subjects.name(unnamed) if unnamed else ({}, {})
    appending = Appending()
    for row in rows:
        event = row.event
        salt = row.salt or salts.get(event.profile_id)
        digest = None
        if salt is not None:
            name = leaves.subject(salt, event.profile_id)
            digest = row.evidence_digest(salt)
        else:
            name = row.erased or gone[event.profile_id]
        found = found_at(event.recorded_at, introduced_at)
        leaf = leaves.event_leaf(event, name, digest, found)
        appending.add(Kind.EVENT, event.id, leaf, digest)
    appending.flush()
    count((row.event.kind, row.event.source) for row in rows)


# ---------------------------------------------------------------- wordings, erasures
def _keep_built_in_wordings() -> None:
    """Keep what the built-in pages say now: the code may say something else later."""
    present = {landing_pages.built_in_name(kind): kind for kind in LandingPage.Kind}
    known = set(
        LedgerWording.objects.filter(name__in=present).values_list("name", flat=True)
    )
    LedgerWording.objects.bulk_create(
        LedgerWording(
            name=name,
            content={
                "texts": {
                    code: landing_pages.built_in_texts(kind, code)
                    for code in all_languages()
                }
            },
            kept_at=timezone.now(),
        )
        for name, kind in present.items()
        if name not in known
    )


_SMALL: dict[int, type[models.Model]] = {
    Kind.VERSION: LandingPageVersion,
    Kind.BUILT_IN: LedgerWording,
    Kind.REMOVAL: LedgerRemoval,
}


def _seal_small(kind: int, kept: LedgerState) -> None:
    model = _SMALL[kind]
    leaf = LedgerLeaf.objects.filter(kind=kind, source_id=OuterRef("pk"))
    with transaction.atomic():
        unsealed = model._default_manager.filter(~Exists(leaf))
        ids = list(unsealed.order_by("pk").values_list("pk", flat=True))
        if ids:
            _append_small(kind, ids, kept)


def _seal_erasures(kept: LedgerState) -> None:
    """In batches: the first time there may be many."""
    unsealed = LedgerErasure.objects.filter(is_sealed=False).order_by("pk")
    while True:
        with transaction.atomic():
            ids = list(unsealed.values_list("pk", flat=True)[:BATCH])
            if not ids:
                return
            _append_small(Kind.ERASURE, ids, kept)
            LedgerErasure.objects.filter(pk__in=ids).update(is_sealed=True)


def _append_small(kind: int, ids: list[int], kept: LedgerState) -> None:
    appending = Appending()
    for pk, leaf in reading.small_leaves(kind, iso(kept.introduced_at), ids):
        appending.add(kind, pk, leaf)
    appending.flush()


# ---------------------------------------------------------------- being behind
def unsealed() -> QuerySet[ConsentEvent]:
    """Events without a leaf, in the order in which they are sealed."""
    leaf = LedgerLeaf.objects.filter(kind=Kind.EVENT, source_id=OuterRef("pk"))
    rows = ConsentEvent.objects.filter(~Exists(leaf))
    if kept := state():
        rows = rows.filter(transaction_id__gte=kept.transaction_id)
    return rows.order_by("transaction_id", "pk")


def lag(now: datetime | None = None) -> timedelta:
    """How long the oldest event that is not sealed yet has been waiting."""
    waiting = unsealed().filter(recorded_at__isnull=False)
    oldest = waiting.values_list("recorded_at", flat=True).first()
    behind = (now or timezone.now()) - oldest if oldest else timedelta(0)
    return max(behind, timedelta(0))
