"""The system check that every key is there which suppressed addresses need."""

import sys
from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import connection

from audiences.models import Suppression

from . import keys


def register() -> None:
    checks.register(check_keys, checks.Tags.database)


def check_keys(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Fail when people are suppressed under a key that the settings do not have."""
    if connection.alias not in (databases or ()) or sys.argv[1:2] == ["migrate"]:
        return []
    if Suppression._meta.db_table not in connection.introspection.table_names():
        return []
    return [
        checks.Error(
            f"Addresses are suppressed under the key {name}, which SUPPRESSION_KEYS "
            "does not have: they would be written to again.",
            hint="Put the key back, after the newest one: SUPPRESSION_KEYS=new,old.",
            id="audiences.E002",
        )
        for name in sorted(keys.lost())
    ]
