"""The admin site that is the console: one name, one menu, one home page."""

from typing import Any

from celery import current_app
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_POST

from . import dashboard, navigation


class Console(AdminSite):
    site_header = site_title = "Campaign"
    index_title = gettext_lazy("Home")
    site_url = None
    index_template = "admin/console/home.html"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        menu = navigation.menu(request) if self.has_permission(request) else []
        return super().each_context(request) | {"menu": menu}

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
