"""Reading what is sealed: events beside their evidence, wordings, erasures.

Millions of events are read in a row, so moments come as texts of the database.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet

from audiences import sql
from audiences.models import (
    ConsentEvent,
    ConsentEvidence,
    LandingPageVersion,
    LedgerErasure,
    LedgerLeaf,
    LedgerRemoval,
    LedgerSalt,
    LedgerWording,
)

from . import leaves
from .leaves import Event

Kind = LedgerLeaf.Kind
EVENTS, EVIDENCE = ConsentEvent._meta.db_table, ConsentEvidence._meta.db_table
LEAVES, SALTS = LedgerLeaf._meta.db_table, LedgerSalt._meta.db_table
ERASURES = LedgerErasure._meta.db_table
# Tables beside that of the events `e`.
JOINED = (
    f" LEFT JOIN {EVIDENCE} v ON v.event_id = e.id"
    f" LEFT JOIN {SALTS} s ON s.profile_id = e.profile_id"
    f" LEFT JOIN {ERASURES} x ON x.profile_id = e.profile_id"
)


def moment(column: str) -> str:
    """The SQL of a moment as leaves write it; SQLite's texts may be shorter."""
    if sql.is_postgresql():
        form = '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\''
        return f"to_char({column} AT TIME ZONE 'UTC', {form})"
    return (
        f"replace(substr({column} || substr('.000000', 1, 7"
        f" * (instr({column}, '.') = 0)) || '000000', 1, 26), ' ', 'T') || 'Z'"
    )


def columns() -> str:
    """What is read of each event, in the order of `Row`."""
    ip = "host(v.ip)" if sql.is_postgresql() else "v.ip"
    return (
        f"e.id, e.profile_id, {moment('e.at')}, {moment('e.recorded_at')}, e.kind,"
        " e.channel, e.service_id, e.source, e.wording_version, e.delivery_id,"
        f" e.transaction_id, v.event_id, v.note, v.actor, {ip}, v.user_agent, s.salt,"
        " x.subject"
    )


class Row(NamedTuple):
    """An event with what belongs to its leaf."""

    event: Event
    transaction_id: int | None
    evidence: tuple[Any, ...] | None
    salt: bytes | None
    erased: bytes | None

    @classmethod
    def of(cls, values: Sequence[Any]) -> "Row":
        """Of the values of `columns`."""
        salt, erased = values[16], values[17]
        return cls(
            Event(*values[:10]),
            values[10],
            tuple(values[12:16]) if values[11] is not None else None,
            None if salt is None else bytes(salt),
            None if erased is None else bytes(erased),
        )

    def evidence_digest(self, salt: bytes) -> bytes | None:
        """The digest of the evidence that is there now."""
        if self.evidence is None:
            return None
        return leaves.evidence_digest(salt, self.event.id, self.evidence)


def found_at(recorded_at: str | None, introduced_at: str) -> str | None:
    """When the ledger found what was there before it; None for what came later."""
    if recorded_at is None or recorded_at <= introduced_at:
        return introduced_at
    return None


def small_leaves(
    kind: int, introduced_at: str, ids: Sequence[int] | None = None
) -> Iterator[tuple[int, bytes]]:
    """The leaves of wordings, erasures or removals: those with these ids, or all."""
    if kind == Kind.REMOVAL:
        for row in _of(LedgerRemoval.objects.all(), ids):
            yield row.pk, leaves.removal_leaf(row.pk, iso(row.at), iso(row.before))
    elif kind == Kind.ERASURE:
        yield from _erasures(_of(LedgerErasure.objects.all(), ids), introduced_at)
    elif kind == Kind.VERSION:
        yield from _versions(_of(LandingPageVersion.objects.all(), ids), introduced_at)
    else:
        yield from _built_in(_of(LedgerWording.objects.all(), ids), introduced_at)


def _of(rows: QuerySet[Any], ids: Sequence[int] | None) -> QuerySet[Any]:
    found = rows if ids is None else rows.filter(pk__in=ids)
    return found.order_by("pk")


def _erasures(
    rows: QuerySet[LedgerErasure], introduced_at: str
) -> Iterator[tuple[int, bytes]]:
    for row in rows.iterator(2_000):
        at = iso(row.at) if row.at else None
        # Only who was gone before the ledger came has no date.
        found = None if at else introduced_at
        yield row.pk, leaves.erasure_leaf(row.pk, bytes(row.subject), at, found)


def _versions(
    rows: QuerySet[LandingPageVersion], introduced_at: str
) -> Iterator[tuple[int, bytes]]:
    for row in rows.iterator(200):
        yield row.pk, version_leaf(row, introduced_at)


def _built_in(
    rows: QuerySet[LedgerWording], introduced_at: str
) -> Iterator[tuple[int, bytes]]:
    for row in rows.iterator(200):
        yield row.pk, built_in_leaf(row)


def version_leaf(row: LandingPageVersion, introduced_at: str) -> bytes:
    """The leaf of a published version of a page."""
    at = iso(row.published_at)
    return leaves.wording_leaf(
        row.name,
        row.content,
        published_at=at,
        published_by=row.published_by,
        found_at=found_at(at, introduced_at),
    )


def built_in_leaf(row: LedgerWording) -> bytes:
    """The leaf of a built-in wording, since when we keep it."""
    return leaves.wording_leaf(
        row.name,
        row.content,
        published_at=iso(row.kept_at),
        published_by="",
        found_at=None,
    )


def iso(at: datetime) -> str:
    """A moment as leaves write it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def version_name(pk: int) -> str:
    """How events call a published version."""
    return LandingPageVersion.objects.get(pk=pk).name


def days_late(event: Event) -> float | None:
    """How many days an act lies before (or after) its record; None if nobody knows."""
    if event.recorded_at is None:
        return None
    try:
        at, recorded = map(datetime.fromisoformat, (event.at, event.recorded_at))
    except ValueError:  # SQLite takes any text for a moment
        return math.inf
    return (recorded - at) / timedelta(days=1)
