"""The system check that the database guards the consent history."""

import sys
from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import connection

from . import guards


def register() -> None:
    checks.register(check_history_guards, checks.Tags.database)


def check_history_guards(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Fail when the database would let somebody change the consent history."""
    if connection.alias not in (databases or ()):
        return []
    if guards.TABLE not in connection.introspection.table_names():
        return []
    # `migrate` runs this check first and puts the guards back: it must not be stopped.
    level = checks.Warning if sys.argv[1:2] == ["migrate"] else checks.Error
    return [
        level(
            f"The guard {name} of the consent history is missing or altered.",
            hint="Run: python manage.py migrate (it puts the guards back).",
            id="audiences.E001",
        )
        for name in guards.missing()
    ]
