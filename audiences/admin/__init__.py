"""The operators' admin for profiles, consent, services, audiences and pages."""

from . import (
    audience_pages,
    audiences,
    home,
    landing_pages,
    ledger,
    menu,
    operators,
    organisation,
    outbox,
    own_fields,
    people,
    privacy,
    services,
    suppressions,
    tags,
)

__all__ = [
    "audience_pages",
    "audiences",
    "home",
    "landing_pages",
    "ledger",
    "menu",
    "operators",
    "organisation",
    "outbox",
    "own_fields",
    "people",
    "privacy",
    "services",
    "suppressions",
    "tags",
]
