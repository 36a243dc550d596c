"""Deliveries in the console: their form, report, log, comparison, messages."""

from . import (
    approving,
    comparisons,
    contents,
    deliveries,
    messages,
    outcomes,
    preparations,
    previews,
    sending,
    testing,
)

__all__ = [
    "approving",
    "comparisons",
    "contents",
    "deliveries",
    "messages",
    "outcomes",
    "preparations",
    "previews",
    "sending",
    "testing",
]
