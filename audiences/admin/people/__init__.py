"""Profiles in the console: the list, the person's page, imports and bulk changes."""

from . import (
    bulk_acts,
    consent_pages,
    history,
    imports,
    pages,
    profiles,
    timeline,
    undo,
)

__all__ = [
    "bulk_acts",
    "consent_pages",
    "history",
    "imports",
    "pages",
    "profiles",
    "timeline",
    "undo",
]
