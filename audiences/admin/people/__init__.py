"""Profiles in the console: the list, the person's page, imports and bulk changes."""

from . import bulk_acts, history, imports, pages, profiles

__all__ = ["bulk_acts", "history", "imports", "pages", "profiles"]
