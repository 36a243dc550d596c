"""The admin site that is the console: its door, menu, home page, refused sign-ins."""

from typing import Any

from celery import current_app
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext as _, gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from . import dashboard, navigation
from .exact import made_exact


class Console(AdminSite):
    site_header = site_title = "Campaign"
    index_title = gettext_lazy("Home")
    site_url = None
    index_template = "admin/console/home.html"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        menu = navigation.menu(request) if self.has_permission(request) else []
        return super().each_context(request) | {"menu": menu}

    def register(
        self, model_or_iterable: Any, admin_class: Any = None, **options: Any
    ) -> None:
        """Whatever brings an admin along, its lists are behind the door of ours."""
        exact = made_exact(admin_class or admin.ModelAdmin)
        super().register(model_or_iterable, exact, **options)

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Django's search for any row as a text: nothing of ours uses it."""
        raise Http404

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        context = dashboard.context(request) | (extra_context or {})
        return super().index(request, context)

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: Any = None
    ) -> Any:
        """Django's list of an app's models: the menu says it better."""
        return redirect("admin:index")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        view = self.admin_view(require_POST(refresh_figures))
        own: list[URLPattern | URLResolver] = [
            path("count-again/", view, name="refresh_figures")
        ]
        return own + super().get_urls()


def refresh_figures(request: HttpRequest) -> HttpResponse:
    """Ask the background worker to count again."""
    if not request.user.has_perm("audiences.view_profile"):
        raise PermissionDenied
    # By name: the tasks import what registers with this module.
    task = current_app.signature("audiences.tasks.refresh_figures")
    transaction.on_commit(task.delay)
    text = _("Counting again in the background. Load this page in a moment.")
    messages.success(request, text)
    return redirect("admin:index")


def refuse_sign_in(
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
