"""System checks of the database behind `audiences`."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import connection

from . import history_guards


def register() -> None:
    checks.register(check_history_guards, checks.Tags.database)


def check_history_guards(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Fail when the database would let somebody change the consent history."""
    if connection.alias not in (databases or ()):
        return []
    if history_guards.TABLE not in connection.introspection.table_names():
        return []
    return [
        checks.Error(
            f"The guard {name} of the consent history is missing or altered.",
            hint="Run: python manage.py migrate (it puts the guards back).",
            id="audiences.E001",
        )
        for name in history_guards.missing()
    ]
