"""The system check that the database guards the consent history."""

import sys
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connection

from . import guards, site_role

# Commands that the owner of the tables runs.
_OF_THE_OWNER = ("migrate", "grant_site_role")


def register() -> None:
    checks.register(check_history_guards, checks.Tags.database)
    checks.register(check_site_role, checks.Tags.database)


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


def check_site_role(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Warn when the site works as the owner of its tables, who may drop the guards."""
    is_asked = connection.alias in (databases or ())
    if not is_asked or settings.DEBUG or sys.argv[1:2] in [[n] for n in _OF_THE_OWNER]:
        return []
    if not site_role.is_owner():
        return []
    return [
        checks.Warning(
            "The site works as the owner of its tables: it could remove the guards.",
            hint="Let the owner migrate and the site use a role of its own: "
            "docs/operations.md, Two database roles.",
            id="audiences.W001",
        )
    ]
