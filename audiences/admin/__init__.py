"""The operators' admin for profiles, consent, services, audiences and pages."""

from . import (
    addresses,
    audiences,
    bulk_acts,
    consent,
    home,
    import_runs,
    landing_page_versions,
    landing_pages,
    menu,
    operators,
    outbox,
    profiles,
    services,
)

__all__ = [
    "addresses",
    "audiences",
    "bulk_acts",
    "consent",
    "home",
    "import_runs",
    "landing_page_versions",
    "landing_pages",
    "menu",
    "operators",
    "outbox",
    "profiles",
    "services",
]
