"""A page as visitors see it: its draft, tried with a chosen profile, and its versions.

The page itself is shown in a frame. It acts in a transaction that is rolled back.
Published versions, which are what visitors saw when, are read-only for ever.
"""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.csrf import csrf_exempt

from audiences import landing_pages, profiles
from audiences.admin.landing_pages.forms import LONGEST
from audiences.console.lists import ReadOnlyLog
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.landing_pages import Content, changes
from audiences.models import ConsentEvent, LandingPage, LandingPageVersion, Profile
from audiences.pages.previews import preview
from audiences.wording.markdown import to_html

WIDTHS = ("wide", "phone")
MOST_FOUND = 10


def roles() -> dict[str, str]:
    """As whom a page can be looked at."""
    return {
        "link": _("Somebody with a personal link"),
        "profile": _("A profile of my choice (test)"),
        "anybody": _("Somebody without a link"),
        "late": _("Somebody who comes after it ended"),
    }


def frame(request: HttpRequest, content: Content, url: str) -> Facts:
    """What the template of the frame needs: the choices and the page to show.

    `url` is where `shown` answers, with WHO in the place of the role.
    """
    role = request.GET.get("as", "link")
    role = role if role in roles() else "link"
    wanted = request.GET.get("profile", "").strip()
    if wanted and role == "link":
        role = "profile"  # to name a profile is to mean it
    may_test = request.user.has_perm("audiences.view_profile")
    names = dict(settings.LANGUAGES)
    languages = [(c, names[c]) for c in content["languages"] if c in names]
    language = request.GET.get("lang", "")
    if language not in dict(languages):
        language = languages[0][0] if languages else ""
    found: list[Profile] = []
    who, problem = role, ""
    if role == "profile":
        found = _found(wanted) if may_test else []
        who = f"profile-{found[0].pk}" if len(found) == 1 else ""
        problem = "" if who else _why_nobody(wanted, found, may_test=may_test)
    width = request.GET.get("width")
    return {
        "roles": {k: v for k, v in roles().items() if may_test or k != "profile"},
        "role": role,
        "wanted": wanted,
        "may_test": may_test,
        "found": found,
        "problem": problem,
        "frame_languages": languages,
        "frame_language": language,
        "width": width if width in WIDTHS else "wide",
        "frame_url": f"{url.replace('WHO', who)}?{urlencode({'lang': language})}"
        if who
        else "",
        "tested": found[0] if role == "profile" and who else None,
    }


def _found(text: str) -> list[Profile]:
    ids = list(profiles.find_ids([text])[text])[:MOST_FOUND] if text else []
    return list(Profile.objects.filter(pk__in=ids).order_by("pk"))


def _why_nobody(wanted: str, found: list[Profile], *, may_test: bool) -> str:
    if not may_test:
        return _("You may not look at profiles, so you cannot test with one.")
    if not wanted:
        return _("Give the profile to test with: its id, external id or address.")
    if found:
        return _("Several profiles have this address. Choose one:")
    return _(
        "No profile has the id, external id or address “{text}”. Look it up under "
        "Profiles."
    ).format(text=wanted)


@page(LandingPage, "preview", "view", title=gettext_lazy("Preview"))
def look(admin: PlainAdmin, request: HttpRequest, page: LandingPage) -> Answer:
    """The draft in a frame, with choices of visitor, language and width."""
    url = reverse("admin:audiences_landingpage_shown", args=[page.pk, "WHO"])
    return {"page": page} | frame(request, landing_pages.snapshot(page), url)


@page(LandingPage, "shown", "view", route="<int:pk>/preview/<str:who>/")
@csrf_exempt
def shown(
    admin: PlainAdmin, request: HttpRequest, page: LandingPage, who: str
) -> HttpResponse:
    """The page in the frame. Its form has no CSRF token, and changes nothing."""
    return show(request, landing_pages.snapshot(page), who)


def show(request: HttpRequest, content: Content, who: str) -> HttpResponse:
    """A page as a role of `roles` or `profile-<id>` sees it, for a frame of ours."""
    role, _dash, number = who.partition("-")
    profile = None
    if role == "profile":
        if not request.user.has_perm("audiences.view_profile"):
            raise PermissionDenied
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            raise Http404
        profile = get_object_or_404(Profile, pk=int(number))
    elif who not in roles():
        raise Http404
    # The page's own links give `?lang=` alone, so the role is in the path.
    query = request.GET.copy()
    query["as"] = role if role in ("anybody", "late") else ""
    request.GET = query  # type: ignore[assignment]
    response = preview(request, content, profile)
    response["X-Frame-Options"] = "SAMEORIGIN"
    policy = response["Content-Security-Policy"]
    response["Content-Security-Policy"] = policy.replace(
        "frame-ancestors 'none'", "frame-ancestors 'self'"
    )
    return response


@page(LandingPage, "markdown", "view", route="markdown/", method="POST")
def as_html(admin: PlainAdmin, request: HttpRequest) -> HttpResponse:
    """A Markdown text as visitors see it, for the script beside the form."""
    return HttpResponse(to_html(request.POST.get("text", "")[:LONGEST]))


@admin.register(LandingPageVersion)
class LandingPageVersionAdmin(ReadOnlyLog):
    """Also versions of pages that were deleted: consent refers to them."""

    list_display = ("name", "kind", "published_at", "published_by", "is_live")
    search_fields = ("page_slug",)
    search_help_text = gettext_lazy("The slug of the page.")
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

    @admin.display(description=gettext_lazy("name"))
    def name(self, version: LandingPageVersion) -> str:
        return version.name

    @admin.display(description=gettext_lazy("kind"))
    def kind(self, version: LandingPageVersion) -> str:
        return str(LandingPage.Kind(version.content["kind"]).label)

    @admin.display(description=gettext_lazy("live now"), boolean=True)
    def is_live(self, version: Any) -> bool:
        return bool(version.live_now)

    def beside(self, request: HttpRequest, row: LandingPageVersion) -> Facts:
        url = reverse("admin:audiences_landingpageversion_shown", args=[row.pk, "WHO"])
        before = LandingPageVersion.objects.filter(
            page_slug=row.page_slug, number=row.number - 1
        ).first()
        events = reverse("admin:audiences_consentevent_changelist")
        return {
            "title": _("A page as it was"),
            "lines": changes.lines(row.content),
            "before": before,
            "changes": changes.changes(before.content, row.content) if before else [],
            "events": ConsentEvent.objects.filter(wording_version=row.name).count(),
            "events_url": f"{events}?wording_version={row.name}",
            **frame(request, row.content, url),
        }


@page(LandingPageVersion, "shown", "view", route="<int:pk>/as-it-was/<str:who>/")
@csrf_exempt
def shown_as_it_was(
    own: PlainAdmin, request: HttpRequest, version: LandingPageVersion, who: str
) -> HttpResponse:
    """The version as visitors saw it, in the frame."""
    return show(request, version.content, who)
