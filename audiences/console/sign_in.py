"""Signing in: what somebody sees after too many wrong passwords."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _, ngettext


def refuse(
    request: HttpRequest, original: Any = None, credentials: Any = None
) -> HttpResponse:
    """The sign-in page with the reason, and how long to wait; status 429."""
    minutes = max(1, round(settings.AXES_COOLOFF_TIME.total_seconds() / 60))
    text = ngettext(
        "Too many attempts to sign in with this name. Wait {count} minute, or ask an "
        "administrator to lift the pause.",
        "Too many attempts to sign in with this name. Wait {count} minutes, or ask an "
        "administrator to lift the pause.",
        minutes,
    )
    context = admin.site.each_context(request) | {
        "form": AdminAuthenticationForm(request),
        "refusal": text.format(count=minutes),
        "title": _("Log in"),
        "app_path": request.get_full_path(),
        "next": request.POST.get("next", ""),
    }
    response = TemplateResponse(request, "admin/login.html", context, status=429)
    response["Retry-After"] = str(minutes * 60)
    return response.render()
