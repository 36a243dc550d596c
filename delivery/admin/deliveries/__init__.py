"""Deliveries in the console: their form, report, log, comparison, messages."""

from . import (
    approving,
    comparisons,
    deliveries,
    messages,
    outcomes,
    preparations,
    previews,
    sending,
)

__all__ = [
    "approving",
    "comparisons",
    "deliveries",
    "messages",
    "outcomes",
    "preparations",
    "previews",
    "sending",
]
