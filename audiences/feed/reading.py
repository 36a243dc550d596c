"""The feed: steps of consent and other facts, in the order of their transactions.

Ids and times are drawn before the commit, so neither says what is new. A page ends
where a transaction may still be open: everything before that is there for certain, and
whoever goes on from the end of a page misses nothing (`audiences.changes`). Nothing is
written twice for the feed: of a million people who are opted out at once the history is
the only record.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.db.models.fields.tuple_lookups import TupleGreaterThan

from audiences import changes
from audiences.models import ConsentEvent, Happening
from audiences.refusals import Refused
from audiences.sql import statements

from . import restored
from .names import OF_KIND

# The sources, by the letter of the ids of their changes; in this order within a
# transaction.
HISTORY, BESIDE = 0, 1
_LETTERS = ("c", "h")
_LAST = 2**62
# A change is looked for so long before the moment that somebody names: a transaction
# may have been open for a while.
MARGIN = timedelta(minutes=10)


class BadCursor(Refused):
    """The cursor is none of ours, or of another database server."""


@dataclass(frozen=True, order=True)
class Position:
    """A place in the feed: behind this row of this source in this transaction."""

    transaction: int = -1
    source: int = HISTORY
    id: int = 0

    def __str__(self) -> str:
        return f"{self.transaction}.{self.source}.{self.id}"

    @classmethod
    def of(cls, text: str) -> Self:
        """Read what `str` wrote; raises BadCursor."""
        parts = text.split(".")
        plain = [part.removeprefix("-") for part in parts]
        if len(parts) != 3 or not all(
            part.isascii() and part.isdigit() and len(part) < 20 for part in plain
        ):
            raise BadCursor("This is no cursor: take the one of an answer.")
        place = cls(*map(int, parts))
        is_kept = max(map(abs, (place.transaction, place.id))) <= _LAST
        if (
            place.transaction < -1
            or place.source not in (HISTORY, BESIDE)
            or not is_kept
        ):
            raise BadCursor("This is no cursor: take the one of an answer.")
        return place


@dataclass(frozen=True)
class Change:
    """One thing that happened, with its row."""

    place: Position
    name: str
    row: Any

    @property
    def id(self) -> str:
        return f"{_LETTERS[self.place.source]}{self.place.id}"

    @property
    def profile_id(self) -> int | None:
        found: int | None = self.row.profile_id
        return found


@dataclass(frozen=True)
class Page:
    """Some changes, and where to go on. `is_last`: there are no more by now."""

    changes: list[Change]
    position: Position
    is_last: bool


def present() -> Position:
    """The place where everything that has ended by now is behind."""
    return _end(changes.ended())


def _end(seen: changes.Seen) -> Position:
    return Position(seen.low - 1, BESIDE, _LAST)


def read(since: Position, limit: int, names: Iterable[str] | None = None) -> Page:
    """The next changes of these names (None: all) behind a place; raises BadCursor.

    Complete and in order: what a page has skipped never comes later.
    """
    floors = restored.floors()
    seen = changes.ended()
    if since.transaction >= seen.high:
        raise BadCursor(
            "The cursor is of another database server: begin again without it, or "
            "at a moment."
        )
    wanted = set(names) if names is not None else None
    sources = [
        _Source(number, _rows(number, wanted), floors[number])
        for number in (HISTORY, BESIDE)
    ]
    found: list[Change] = []
    with transaction.atomic():
        if since.transaction < 0:
            for source in sources:
                found += source.old(since, limit + 1)
        if len(found) <= limit:
            statements.expect_order()
            for source in sources:
                found += source.numbered(since, seen.low, limit + 1)
    found.sort(key=lambda change: change.place)
    page = found[:limit]
    if len(found) > limit:
        return Page(page, page[-1].place, False)
    return Page(page, max(since, _end(seen)), True)


@dataclass(frozen=True)
class _Source:
    """The rows of a source, and up to which id they came with a backup."""

    number: int
    rows: QuerySet[Any]
    floor: int

    def old(self, since: Position, limit: int) -> list[Change]:
        """The next without a number of this server; they come before all others."""
        # Few have no number, and are found by that; what came with a backup is much.
        if self.floor:
            statements.expect_order()
        else:
            statements.expect_look_ups()
        rows = self.rows.filter(_is_old(self.floor))
        if since.source == self.number:
            rows = rows.filter(pk__gt=since.id)
        elif since.source > self.number:
            return []
        return self._changes(rows.order_by("pk")[:limit])

    def numbered(self, since: Position, below: int, limit: int) -> list[Change]:
        """The next others, below a transaction."""
        after = _LAST if since.source > self.number else 0
        if since.source == self.number:
            after = since.id
        is_behind = since.transaction >= 0
        place = (since.transaction, after) if is_behind else (0, 0)
        rows = self.rows.filter(
            TupleGreaterThan(("transaction_id", "id"), place), transaction_id__lt=below
        )
        if self.floor:
            rows = rows.filter(pk__gt=self.floor)
        return self._changes(rows.order_by("transaction_id", "pk")[:limit])

    def _changes(self, rows: QuerySet[Any]) -> list[Change]:
        return [_change(self.number, row, self.floor) for row in rows]


def _is_old(floor: int) -> Q:
    """Whether a row has no number of this server."""
    unnumbered = Q(transaction_id__isnull=True)
    return unnumbered | Q(pk__lte=floor) if floor else unnumbered


def _rows(source: int, names: set[str] | None) -> QuerySet[Any]:
    if source == BESIDE:
        rows = Happening.objects.all()
        return rows if names is None else rows.filter(name__in=names)
    kinds = [kind for kind, name in OF_KIND.items() if names is None or name in names]
    return ConsentEvent.objects.filter(kind__in=kinds).select_related("service")


def _change(source: int, row: Model, floor: int) -> Change:
    number: int | None = getattr(row, "transaction_id", None)
    if number is None or row.pk <= floor:
        number = -1
    place = Position(number, source, row.pk)
    name = OF_KIND[row.kind] if isinstance(row, ConsentEvent) else row.name  # type: ignore[attr-defined]
    return Change(place, str(name), row)


def by_ids(ids: Sequence[str]) -> dict[str, Change]:
    """The changes with these ids, as far as they exist."""
    found: dict[str, Change] = {}
    floors = restored.floors()
    for source, letter in enumerate(_LETTERS):
        numbers = [
            int(text[1:])
            for text in ids
            if text[:1] == letter
            and text[1:].isascii()
            and text[1:].isdigit()
            and len(text) < 20
        ]
        if numbers:
            for row in _rows(source, None).filter(pk__in=numbers):
                change = _change(source, row, floors[source])
                found[change.id] = change
    return found


def before(moment: datetime) -> Position:
    """A place that has everything since a moment behind it, and little else."""
    at, floors = moment - MARGIN, restored.floors()
    dated: list[tuple[QuerySet[Any], Q]] = [
        (ConsentEvent.objects.all(), Q(recorded_at__lt=at)),
        (Happening.objects.all(), Q(at__lt=at)),
    ]
    places = [
        place
        for source, (rows, is_before) in enumerate(dated)
        if (place := _last_before(source, rows, is_before, floors[source]))
    ]
    # Both sources have all that is later behind the earlier of the two.
    return min(places, default=Position())


def _last_before(
    source: int, rows: QuerySet[Any], is_before: Q, floor: int
) -> Position | None:
    """The place of the last row of a source before a moment.

    Where there is none, right before its first row; None where it has no rows at all.
    """
    numbered = rows.filter(transaction_id__isnull=False)
    numbered = numbered.filter(pk__gt=floor) if floor else numbered
    last = numbered.filter(is_before).order_by("-transaction_id", "-pk").first()
    if last is None and floor:
        last = rows.filter(is_before, pk__lte=floor).order_by("-pk").first()
    if last is not None:
        return _change(source, last, floor).place
    if rows.filter(_is_old(floor)).exists():
        return Position(source=source)
    first = numbered.order_by("transaction_id", "pk").first()
    return Position(first.transaction_id, source, first.pk - 1) if first else None
