"""Bad addresses: the evidence, the entry that follows from it, and its copies."""

from delivery.quarantine.entries import describe, entry_of
from delivery.quarantine.release import clean_up, count_matching, release_matching
from delivery.quarantine.writing import (
    delete,
    delivered,
    end_hold,
    hold,
    raise_statuses,
    record,
    set_status,
    start,
)

__all__ = [
    "clean_up",
    "count_matching",
    "delete",
    "delivered",
    "describe",
    "end_hold",
    "entry_of",
    "hold",
    "raise_statuses",
    "record",
    "release_matching",
    "set_status",
    "start",
]
