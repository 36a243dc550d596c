"""The admin site that is the console: its door, menu, home page, refused sign-ins."""

from typing import Any

from celery import current_app
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_POST

from audiences.addresses import trial

from . import dashboard, navigation
from .exact import made_exact
from .guide import pages as guide_pages, places
from .sign_in import State, own_pages, sessions, state_of, views

# Packages whose own pages would show the keys of somebody else's second factor.
_WITHOUT_PAGES = ("otp_totp", "otp_static")


class Console(AdminSite):
    site_header = site_title = "Campaign"
    index_title = gettext_lazy("Home")
    site_url = None
    index_template = "admin/console/home.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Operators whose session was not ended and proved what they must prove."""
        return state_of(request) is State.IN

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return views.sign_in(request, self.each_context(request))

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """A new password ends what began with the old one."""
        answer = super().password_change(request, extra_context)
        if request.method == "POST" and answer.status_code == 302:
            sessions.end_others(request)
        return answer

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        menu = navigation.menu(request) if self.has_permission(request) else []
        own = {
            "menu": menu,
            "is_on_trial": trial.is_on(),
            "version": settings.VERSION,
            "help_url": places.url_for(request),
            "zone": timezone.get_current_timezone_name(),
        }
        return super().each_context(request) | own

    def register(
        self, model_or_iterable: Any, admin_class: Any = None, **options: Any
    ) -> None:
        """Whatever brings an admin along, its lists are behind the door of ours."""
        exact = made_exact(admin_class or admin.ModelAdmin)
        app = getattr(getattr(model_or_iterable, "_meta", None), "app_label", "")
        if app in _WITHOUT_PAGES:
            return
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
        finding = guide_pages.urls(self)
        return own + own_pages.urls(self) + finding + super().get_urls()


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
