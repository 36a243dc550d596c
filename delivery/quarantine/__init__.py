"""Bad addresses: the evidence, the entry that follows from it, and its copies."""

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

from .description import describe
from .entries import entry_of
from .evidence import record_all

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
    "record_all",
    "release_matching",
    "set_status",
    "start",
]
