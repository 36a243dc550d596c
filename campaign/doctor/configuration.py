"""What the system checks say, those for production among them."""

from collections.abc import Iterator

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, InterfaceError, connection

from .findings import Finding, Severity, examination, fine, note

# Redirects to https and HSTS are the work of the web server before the site.
_DONE_BEFORE_US = ("security.W004", "security.W008", "security.W021")


@examination("settings", night="the-settings-are-wrong")
def system_checks() -> Iterator[Finding]:
    if settings.DEBUG:
        yield note(
            "settings",
            "DEBUG is 1: this is somebody's own machine, or should not be",
            "For a site that others reach: DEBUG=0.",
        )
    databases = None
    try:
        connection.ensure_connection()
        databases = ["default"]
    except (DatabaseError, InterfaceError):
        pass  # the examination of the database says so
    found = checks.run_checks(
        include_deployment_checks=not settings.DEBUG, databases=databases
    )
    told = [message for message in found if message.id not in _DONE_BEFORE_US]
    for message in told:
        is_error = message.level >= checks.ERROR
        yield Finding(
            Severity.SERIOUS if is_error else Severity.WARNING,
            f"settings ({message.id})",
            str(message.msg),
            str(message.hint or "See docs/settings.md, System checks."),
        )
    if not told:
        yield fine("settings", "the system checks find nothing")
