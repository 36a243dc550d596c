"""Profiles in the console: the list, the person's page, imports and bulk changes."""

from audiences.admin.people import (
    addresses,
    bulk_acts,
    export,
    history,
    imports,
    pages,
    profiles,
)

__all__ = [
    "addresses",
    "bulk_acts",
    "export",
    "history",
    "imports",
    "pages",
    "profiles",
]
