"""The operators' admin for profiles, consent, services, audiences and pages."""

from . import (
    audience_pages,
    audiences,
    finders,
    home,
    landing_pages,
    menu,
    people,
    privacy,
    programs,
    services,
    settings,
    tags,
    wishes,
)

__all__ = [
    "audience_pages",
    "audiences",
    "finders",
    "home",
    "landing_pages",
    "menu",
    "people",
    "privacy",
    "programs",
    "services",
    "settings",
    "tags",
    "wishes",
]
