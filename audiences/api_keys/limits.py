"""How many requests of a key go through in a minute.

The count is one for all processes. Each takes some at once from it and spends them
without asking again, so that most requests cost no statement; at the end of the minute
what was taken and not spent is lost.
"""

import threading
import time
from dataclasses import dataclass

from django.conf import settings

from audiences.models import ApiKey, ApiUse
from audiences.sql import fetch

# The share of the limit that a process takes at once.
_SHARE = 40


@dataclass(frozen=True)
class Allowed:
    """Whether a request goes through, and what is left until the minute ends."""

    is_allowed: bool
    most: int
    left: int
    seconds: int


_taken: dict[tuple[int, int], list[int]] = {}
_lock = threading.Lock()


def count(key: ApiKey) -> Allowed:
    """Count a request of a key."""
    most = key.rate or settings.API_RATE
    now = int(time.time())
    minute, seconds = now // 60, 60 - now % 60
    with _lock:
        for old in [name for name in _taken if name[1] != minute]:
            del _taken[old]
        # What this process may still spend, and how much all have taken.
        mine = _taken.setdefault((key.pk, minute), [0, 0])
        if mine[0] <= 0 and mine[1] < most:
            wanted = max(1, most // _SHARE)
            before = _take(key, minute, wanted)
            mine[0] = max(0, min(wanted, most - before))
            mine[1] = before + wanted
        if mine[0] <= 0:
            return Allowed(False, most, 0, seconds)
        mine[0] -= 1
        left = mine[0] + max(0, most - mine[1])
    return Allowed(True, most, left, seconds)


def _take(key: ApiKey, minute: int, wanted: int) -> int:
    """Take some from the count of all; returns what was taken before."""
    table = ApiUse._meta.db_table
    rows = fetch(
        f"INSERT INTO {table} (key_id, minute, count) VALUES (%s, %s, %s)"
        f" ON CONFLICT (key_id, minute) DO UPDATE SET count = {table}.count + %s"
        " RETURNING count",
        [key.pk, minute, wanted, wanted],
    )
    return int(rows[0][0]) - wanted


def clean_up() -> int:
    """Remove the counts of past minutes; returns how many rows."""
    before = int(time.time()) // 60 - 5
    return ApiUse.objects.filter(minute__lt=before).delete()[0]
