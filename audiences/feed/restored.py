"""What another server has written: it came with a backup, and is older than all else.

Numbers of transactions belong to a server, and a new one begins at low numbers. Rows
of the former one would be missing until its counter has come to theirs, and from then
on come late, among what is new: an opt-in of years ago after the opt-out of today. So
the ids up to which such rows reach are kept as soon as one is seen. Ids go on where
they were: what has an id up to there comes before everything else, in the order of
ids, as rows do that have no number at all.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from audiences.models import ConsentEvent, Figure, Happening
from audiences.sql import fetch, is_postgresql

NAME = "feed_restored"
_TABLES = (ConsentEvent._meta.db_table, Happening._meta.db_table)
# The first number that this server has not given out yet, for one statement.
_NEXT = (
    "(SELECT greatest(pg_snapshot_xmax(pg_current_snapshot())::text::bigint,"
    " coalesce(pg_current_xact_id_if_assigned()::text::bigint + 1, 0)))"
)


@dataclass(frozen=True)
class Floors:
    """Up to which id the rows of each source came with a backup; 0: none did."""

    history: int = 0
    beside: int = 0

    def __getitem__(self, source: int) -> int:
        return (self.history, self.beside)[source]


def floors() -> Floors:
    """As far as rows of another server reach now, which is kept for ever.

    SQLite's clock is in its file: what is restored goes on counting.
    """
    if not is_postgresql():
        return Floors()
    newest = " OR ".join(
        f"(SELECT max(transaction_id) FROM {table}) >= {_NEXT}" for table in _TABLES
    )
    kept, is_ahead = fetch(
        f"SELECT (SELECT data::text FROM {Figure._meta.db_table} WHERE name = %s),"
        f" coalesce({newest}, false)",
        [NAME],
    )[0]
    found = Floors(**json.loads(kept)) if kept else Floors()
    return _keep(found) if is_ahead else found


def _keep(before: Floors) -> Floors:
    reach: list[Any] = [
        fetch(f"SELECT max(id) FROM {table} WHERE transaction_id >= {_NEXT}")[0][0]
        for table in _TABLES
    ]
    found = Floors(
        max(before.history, reach[0] or 0), max(before.beside, reach[1] or 0)
    )
    if found != before:
        Figure.objects.update_or_create(
            name=NAME, defaults={"data": vars(found), "at": timezone.now()}
        )
    return found
