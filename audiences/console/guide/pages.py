"""The pages of search, help and language; each is for operators who are signed in."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django.views.i18n import set_language

from audiences.console import exact

from . import documents, search as searching
from .parts import parts

FIRST = "admin"


def urls(site: AdminSite) -> list[URLPattern]:
    """Whoever chooses a language may not have signed in yet."""

    def own(view: Any) -> Any:
        def with_site(request: HttpRequest, **where: Any) -> HttpResponseBase:
            answer: HttpResponseBase = view(site, request, **where)
            return answer

        return site.admin_view(require_GET(with_site))

    return [
        path("search/", own(search), name="search"),
        path("help/", own(first), name="help"),
        path("help/images/<str:name>", own(picture), name="help_picture"),
        path("help/<path:name>/", own(document), name="help_document"),
        path("parts/", own(parts), name="parts"),
        path("language/", set_language, name="language"),
    ]


def search(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """What the text finds; `part` is asked for by the script, while somebody types."""
    exact.only(request, "q", "part")
    text = request.GET.get("q", "").strip()
    is_typing = "part" in request.GET
    facts: dict[str, Any] = {
        "text": text,
        "groups": searching.results(request, text, is_typing=is_typing),
    }
    if is_typing:
        return TemplateResponse(request, "admin/guide/found.html", facts)
    facts |= site.each_context(request) | {"title": _("Search")}
    return TemplateResponse(request, "admin/guide/search.html", facts)


def first(site: AdminSite, request: HttpRequest) -> HttpResponse:
    return redirect("admin:help_document", FIRST)


def document(site: AdminSite, request: HttpRequest, name: str) -> HttpResponse:
    try:
        title, html = documents.page(name)
    except documents.NoSuchDocument as missing:
        raise Http404 from missing
    facts = site.each_context(request) | {
        "title": title,
        "html": html,
        "name": name,
        "documents": documents.titles(),
    }
    return TemplateResponse(request, "admin/guide/document.html", facts)


def picture(site: AdminSite, request: HttpRequest, name: str) -> FileResponse:
    try:
        path_of_it = documents.picture(name)
    except documents.NoSuchDocument as missing:
        raise Http404 from missing
    answer = FileResponse(path_of_it.open("rb"))
    answer["Cache-Control"] = "private, max-age=3600"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
