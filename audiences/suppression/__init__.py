"""Addresses that are suppressed: keyed hashes that outlive the person."""

from audiences.suppression.asking import active, met, rows_about
from audiences.suppression.copies import copy_all, different, look_again_at
from audiences.suppression.keys import NoKey, lost
from audiences.suppression.writing import (
    Entry,
    ErasedFor,
    Lift,
    Reason,
    lift,
    suppress,
    suppress_person,
)

__all__ = [
    "Entry",
    "ErasedFor",
    "Lift",
    "NoKey",
    "Reason",
    "active",
    "copy_all",
    "different",
    "lift",
    "look_again_at",
    "lost",
    "met",
    "rows_about",
    "suppress",
    "suppress_person",
]
