"""The operators' admin for profiles, consent, services, audiences and pages."""

from . import (
    addresses,
    audiences,
    consent,
    home,
    landing_page_versions,
    landing_pages,
    menu,
    operators,
    profiles,
    services,
)

__all__ = [
    "addresses",
    "audiences",
    "consent",
    "home",
    "landing_page_versions",
    "landing_pages",
    "menu",
    "operators",
    "profiles",
    "services",
]
