"""The operators' admin for profiles, consent, services, audiences and pages."""

from . import (
    audiences,
    home,
    landing_pages,
    ledger,
    menu,
    operators,
    organisation,
    outbox,
    people,
    privacy,
    programs,
    services,
    suppressions,
)

__all__ = [
    "audiences",
    "home",
    "landing_pages",
    "ledger",
    "menu",
    "operators",
    "organisation",
    "outbox",
    "people",
    "privacy",
    "programs",
    "services",
    "suppressions",
]
