"""The only place that opens a cursor: statements, locks, time limits."""

from audiences.sql.bulk import bulk_insert, bulk_update, draw_ids
from audiences.sql.locks import Locked, hold, process_lock
from audiences.sql.staging import stage, stage_profiles
from audiences.sql.statements import (
    analyze,
    execute,
    fetch,
    insert_select,
    is_postgresql,
)
from audiences.sql.time_limits import TooSlow, time_limit

__all__ = [
    "Locked",
    "TooSlow",
    "analyze",
    "bulk_insert",
    "bulk_update",
    "draw_ids",
    "execute",
    "fetch",
    "hold",
    "insert_select",
    "is_postgresql",
    "process_lock",
    "stage",
    "stage_profiles",
    "time_limit",
]
