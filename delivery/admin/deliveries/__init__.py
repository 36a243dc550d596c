"""Deliveries in the console: their form, report, log, comparison, messages."""

from . import (
    approving,
    comparisons,
    deliveries,
    messages,
    outcomes,
    preparations,
    previews,
)

__all__ = [
    "approving",
    "comparisons",
    "deliveries",
    "messages",
    "outcomes",
    "preparations",
    "previews",
]
