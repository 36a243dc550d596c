"""The operators' admin for deliveries, quarantine and what was handed over."""

from delivery.admin import (
    deliveries,
    feedback,
    finders,
    home,
    menu,
    people,
    quarantine,
    rules,
    senders,
    timeline,
)

__all__ = [
    "deliveries",
    "feedback",
    "finders",
    "home",
    "menu",
    "people",
    "quarantine",
    "rules",
    "senders",
    "timeline",
]
