"""Deliveries in the console: their form, report, log, comparison, messages."""

from . import comparisons, deliveries, messages, outcomes, preparations, previews

__all__ = [
    "comparisons",
    "deliveries",
    "messages",
    "outcomes",
    "preparations",
    "previews",
]
