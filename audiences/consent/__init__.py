"""Opting in and out, the history that proves it, and the guards of that history."""

from audiences.consent.flags import (
    ConsentError,
    Recorded,
    change_flag,
    lacks_note,
    opt_in,
    opt_in_all,
    opt_out,
    opt_out_all,
    record_made,
)
from audiences.consent.history import Kind, Origin, Source, events_of, record
from audiences.consent.locks import lock

__all__ = [
    "ConsentError",
    "Kind",
    "Origin",
    "Recorded",
    "Source",
    "change_flag",
    "events_of",
    "lacks_note",
    "lock",
    "opt_in",
    "opt_in_all",
    "opt_out",
    "opt_out_all",
    "record",
    "record_made",
]
