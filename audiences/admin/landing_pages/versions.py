"""Published versions of landing pages: what visitors saw when; read-only for ever."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt

from audiences.console.lists import ReadOnlyLog
from audiences.console.pages import Facts, PlainAdmin, page
from audiences.landing_pages import changes
from audiences.models import ConsentEvent, LandingPage, LandingPageVersion

from . import previews


@admin.register(LandingPageVersion)
class LandingPageVersionAdmin(ReadOnlyLog):
    """Also versions of pages that were deleted: consent refers to them."""

    list_display = ("name", "kind", "published_at", "published_by", "is_live")
    search_fields = ("page_slug",)
    search_help_text = _("The slug of the page.")
    list_select_related = ("page",)
    fields = ("name", "page", "published_at", "published_by", "is_live")
    readonly_fields = ("name", "is_live")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LandingPageVersion]:
        rows: QuerySet[LandingPageVersion] = super().get_queryset(request)
        live = LandingPage.objects.filter(live_version=OuterRef("pk"))
        return rows.annotate(live_now=Exists(live))

    def meant_by(self, text: str) -> Q:
        """By the whole slug, or by the name that consent events have: news/3."""
        slug, _slash, number = text.partition("/")
        meant = Q(page_slug=slug) if slug else Q()
        if number.isascii() and number.isdigit() and len(number) < 10:
            meant &= Q(number=int(number))
        return meant

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may look at pages may look at what they were."""
        pages = ("audiences.view_landingpage", "audiences.change_landingpage")
        may = super().has_view_permission(request, obj)
        return may or any(request.user.has_perm(name) for name in pages)

    @admin.display(description=_("name"))
    def name(self, version: LandingPageVersion) -> str:
        return version.name

    @admin.display(description=_("kind"))
    def kind(self, version: LandingPageVersion) -> str:
        return str(LandingPage.Kind(version.content["kind"]).label)

    @admin.display(description=_("live now"), boolean=True)
    def is_live(self, version: Any) -> bool:
        return bool(version.live_now)

    def beside(self, request: HttpRequest, row: LandingPageVersion) -> Facts:
        url = reverse("admin:audiences_landingpageversion_shown", args=[row.pk, "WHO"])
        before = LandingPageVersion.objects.filter(
            page_slug=row.page_slug, number=row.number - 1
        ).first()
        events = reverse("admin:audiences_consentevent_changelist")
        return {
            "title": gettext("A page as it was"),
            "lines": changes.lines(row.content),
            "before": before,
            "changes": changes.changes(before.content, row.content) if before else [],
            "events": ConsentEvent.objects.filter(wording_version=row.name).count(),
            "events_url": f"{events}?wording_version={row.name}",
            **previews.frame(request, row.content, url),
        }


@page(LandingPageVersion, "shown", "view", route="<int:pk>/as-it-was/<str:who>/")
@csrf_exempt
def shown(
    own: PlainAdmin, request: HttpRequest, version: LandingPageVersion, who: str
) -> HttpResponse:
    """The version as visitors saw it, in the frame."""
    return previews.show(request, version.content, who)
