"""Bad addresses: the evidence, the entry that follows from it, and its copies."""

from delivery.quarantine.description import describe
from delivery.quarantine.entries import entry_of
from delivery.quarantine.holds import end_hold, hold
from delivery.quarantine.release import clean_up, count_matching, release_matching
from delivery.quarantine.writing import (
    delete,
    delivered,
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
