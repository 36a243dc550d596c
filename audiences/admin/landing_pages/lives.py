"""Publishing, unpublishing and duplicating a landing page, each after a question."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from audiences import landing_pages
from audiences.admin.landing_pages.new_forms import CopyForm
from audiences.console.lists import PlainAdmin
from audiences.landing_pages import changes
from audiences.models import LandingPage, LandingPageVersion

View = Callable[..., HttpResponse]


def may_publish(request: HttpRequest) -> bool:
    return request.user.has_perm("audiences.publish_landingpage")


def require(allowed: bool) -> None:
    """Refuse the request with 403 unless it is allowed."""
    if not allowed:
        raise PermissionDenied


def page_of(admin: PlainAdmin, request: HttpRequest, pk: int) -> LandingPage:
    """The page, for somebody who may look at it."""
    related = LandingPage.objects.select_related("service", "live_version", "logo")
    page = get_object_or_404(related, pk=pk)
    require(admin.has_view_permission(request, page))
    return page


def context(admin: PlainAdmin, request: HttpRequest, **facts: Any) -> dict[str, Any]:
    """What every page beside the form needs."""
    return {
        **admin.admin_site.each_context(request),
        "opts": LandingPage._meta,
        "media": admin.media,
        **facts,
    }


def _back(page: LandingPage) -> HttpResponse:
    return redirect("admin:audiences_landingpage_change", page.pk)


def publish(admin: PlainAdmin) -> View:
    """What visitors would see differently, and a button that lets them see it."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        page = page_of(admin, request, pk)
        require(may_publish(request))
        content = landing_pages.snapshot(page)
        problems = _problems(page)
        seen = request.POST.get("seen")
        is_same = seen == changes.fingerprint(content)
        if request.method == "POST" and is_same and not problems:
            return _publish(admin, request, page)
        if request.method == "POST" and not is_same:
            messages.warning(
                request,
                _("The page was changed meanwhile. This is what it says now."),
            )
        latest = LandingPageVersion.objects.filter(page_slug=page.slug)
        before = page.live_version or latest.order_by("-number").first()
        facts = {
            "title": _("Publish"),
            "page": page,
            "before": before,
            "is_live": page.live_version is not None,
            "changes": changes.changes(before.content if before else None, content),
            "problems": problems,
            "hints": _hints(page),
            "seen": changes.fingerprint(content),
        }
        template = "admin/audiences/landingpage/publish.html"
        return TemplateResponse(request, template, context(admin, request, **facts))

    return view


def _publish(
    admin: PlainAdmin, request: HttpRequest, page: LandingPage
) -> HttpResponse:
    published = landing_pages.publish(page, actor=request.user.get_username())
    text = _("Version {number} is published: visitors see it now.")
    if page.status == LandingPage.Status.SCHEDULED:
        text = _("Version {number} is published: visitors see it when the page opens.")
    elif page.status == LandingPage.Status.ENDED:
        text = _("Version {number} is published, but the page has ended already.")
    text = text.format(number=published.version.number)
    admin.log_change(request, page, text)
    messages.success(request, text)
    return _back(page)


def _problems(page: LandingPage) -> list[str]:
    """Why the page cannot be published, each with the name of its field."""
    try:
        page.full_clean()
    except ValidationError as error:
        return [
            f"{changes.label_of(LandingPage, name)}: {' '.join(texts)}"
            if name != "__all__"
            else " ".join(texts)
            for name, texts in error.message_dict.items()
        ]
    return []


def _hints(page: LandingPage) -> list[str]:
    """What is allowed but perhaps not meant."""
    hints = []
    offered = page.channels or page.services.exists()
    if page.kind in LandingPage.CHOICE_KINDS and not offered:
        hints.append(
            _("The page offers no channel and no service: there is nothing to choose.")
        )
    starts = page.kind not in LandingPage.OPT_OUT_KINDS
    if starts and not page.allows_unidentified:
        hints.append(_("Only people with a personal link can use it."))
    return hints


def unpublish(admin: PlainAdmin) -> View:
    """Take the page off the site, after a question."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        page = page_of(admin, request, pk)
        require(may_publish(request))
        if page.live_version is None:
            messages.info(request, _("The page is not on the site."))
            return _back(page)
        if request.method == "POST":
            landing_pages.unpublish(page)
            text = _("The page is off the site. Its versions are kept.")
            admin.log_change(request, page, text)
            messages.success(request, text)
            return _back(page)
        facts = {
            "title": _("Take the page off the site"),
            "page": page,
            "stops_messages": page.kind in LandingPage.OPT_OUT_KINDS,
        }
        template = "admin/audiences/landingpage/unpublish.html"
        return TemplateResponse(request, template, context(admin, request, **facts))

    return view


def duplicate(admin: PlainAdmin) -> View:
    """A draft with the same settings, texts and brand, under a name of its own."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        page = page_of(admin, request, pk)
        require(admin.has_add_permission(request))
        form = CopyForm(request.POST or None, page=page)
        if request.method == "POST" and form.is_valid():
            copy = form.make()
            if copy:
                admin.log_addition(request, copy, [{"added": {}}])
                text = _("This is the copy. It is a draft: nobody sees it yet.")
                messages.success(request, text)
                return _back(copy)
        facts = {"title": _("Duplicate"), "page": page, "form": form}
        template = "admin/audiences/landingpage/duplicate.html"
        return TemplateResponse(request, template, context(admin, request, **facts))

    return view


PAGES: dict[str, tuple[str, Callable[[PlainAdmin], View]]] = {
    "publish": ("<int:pk>/publish/", publish),
    "unpublish": ("<int:pk>/unpublish/", unpublish),
    "duplicate": ("<int:pk>/duplicate/", duplicate),
}
