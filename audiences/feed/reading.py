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
    seen = changes.ended()
    if since.transaction >= seen.high:
        raise BadCursor(
            "The cursor is of another database server: begin again without it, or "
            "at a moment."
        )
    wanted = set(names) if names is not None else None
    with transaction.atomic():
        statements.expect_look_ups()
        found = [
            change
            for source in (HISTORY, BESIDE)
            for change in _behind(source, since, seen.low, limit + 1, wanted)
        ]
    found.sort(key=lambda change: change.place)
    page = found[:limit]
    if len(found) > limit:
        return Page(page, page[-1].place, False)
    return Page(page, max(since, _end(seen)), True)


def _behind(
    source: int, since: Position, below: int, limit: int, names: set[str] | None
) -> list[Change]:
    """The next rows of a source; those without a number come before all others."""
    rows, found = _rows(source, names), []
    if since.transaction < 0:
        old = rows.filter(transaction_id__isnull=True)
        if since.source == source:
            old = old.filter(pk__gt=since.id)
        elif since.source > source:
            old = old.none()
        found = [_change(source, row) for row in old.order_by("pk")[:limit]]
    after = (
        since.id if since.source == source else (_LAST if since.source > source else 0)
    )
    place = (max(since.transaction, 0), after if since.transaction >= 0 else 0)
    behind = rows.filter(
        TupleGreaterThan(("transaction_id", "id"), place), transaction_id__lt=below
    )
    rest = behind.order_by("transaction_id", "pk")[: limit - len(found)]
    return found + [_change(source, row) for row in rest]


def _rows(source: int, names: set[str] | None) -> QuerySet[Any]:
    if source == BESIDE:
        rows = Happening.objects.all()
        return rows if names is None else rows.filter(name__in=names)
    kinds = [kind for kind, name in OF_KIND.items() if names is None or name in names]
    return ConsentEvent.objects.filter(kind__in=kinds).select_related("service")


def _change(source: int, row: Model) -> Change:
    number = getattr(row, "transaction_id", None)
    place = Position(-1 if number is None else number, source, row.pk)
    name = OF_KIND[row.kind] if isinstance(row, ConsentEvent) else row.name  # type: ignore[attr-defined]
    return Change(place, str(name), row)


def by_ids(ids: Sequence[str]) -> dict[str, Change]:
    """The changes with these ids, as far as they exist."""
    found: dict[str, Change] = {}
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
                change = _change(source, row)
                found[change.id] = change
    return found


def before(moment: datetime) -> Position:
    """A place that has everything since a moment behind it, and little else."""
    at = moment - MARGIN
    known = Q(transaction_id__isnull=False)
    last = [
        ConsentEvent.objects.filter(known, recorded_at__lt=at),
        Happening.objects.filter(known, at__lt=at),
    ]
    places = [
        _change(source, row).place
        for source, rows in enumerate(last)
        if (row := rows.order_by("-transaction_id", "-pk").first())
    ]
    # Both sources have all that is later behind the earlier of the two.
    firsts = [place for place in places if place.transaction >= 0]
    return min(firsts) if len(firsts) == len(last) else min([Position(), *firsts])
