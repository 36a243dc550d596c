"""The page that shows every part of the console, in light and in dark.

For those who build pages: with DEBUG for everybody who is signed in, else for
superusers. docs/console-style.md names each part, and a test compares its picture.
"""

from datetime import UTC, datetime

from django.conf import settings
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

SCHEMES = ("light", "dark")
TONES = ("", "good", "warn", "bad", "info")
# The same on every day, for the picture.
MOMENT = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)


def parts(site: AdminSite, request: HttpRequest) -> HttpResponse:
    if not settings.DEBUG and not getattr(request.user, "is_superuser", False):
        raise PermissionDenied
    facts = site.each_context(request) | {
        "title": _("Parts of the console"),
        "schemes": SCHEMES,
        "tones": TONES,
        "at": MOMENT,
    }
    return TemplateResponse(request, "admin/guide/parts.html", facts)
