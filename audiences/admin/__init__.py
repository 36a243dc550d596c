"""The operators' admin for profiles, consent, services, audiences and pages."""

from . import (
    audiences,
    finders,
    home,
    landing_pages,
    ledger,
    menu,
    operators,
    organisation,
    outbox,
    people,
    privacy,
    services,
    suppressions,
)

__all__ = [
    "audiences",
    "finders",
    "home",
    "landing_pages",
    "ledger",
    "menu",
    "operators",
    "organisation",
    "outbox",
    "people",
    "privacy",
    "services",
    "suppressions",
]
