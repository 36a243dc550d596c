"""The public pages. GET shows, POST acts; a signed link is the only key.

The links in the mails that ask to confirm lead to `confirming` and
`confirming_signups`.
"""

from django.db import transaction
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
)
from django.utils import timezone

from audiences import landing_pages, links
from audiences.landing_pages import Content
from audiences.links import Link
from audiences.models import LandingPage, LandingPageAsset
from audiences.pages import (
    acts,
    after_pages,
    brand,
    outcomes,
    rendering,
    unidentified,
    visit_pages,
    visitors,
    ways,
)
from audiences.visits.opting_out import opt_out
from audiences.visits.standing import standing_of
from audiences.visits.visit import Visit, closed, identified
from audiences.visits.ways import to_page_of

from .forms import VisitForm
from .middleware import public
from .rendering import Shown
from .visitors import posted

Kind = LandingPage.Kind
Status = LandingPage.Status


@public
def one_click(request: HttpRequest, token: str) -> HttpResponse:
    """One-click unsubscribe (RFC 8058), and the same as a page for people.

    Any POST unsubscribes, whatever its body: mail clients send
    `List-Unsubscribe=One-Click`, the page its button. It is never redirected.
    """
    link = links.read_opt_out_token(token)
    return _personal(request, link, Kind.UNSUBSCRIPTION)


@public
def personal(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """A landing page for the person whose link it is."""
    link = links.read_page_token(token, slug)
    return _personal(request, link, link.kind)


@public
def choose(request: HttpRequest, token: str, slug: str = "") -> HttpResponse:
    """The preferences of the person whose link it is, whatever page it opens."""
    return _another(request, token, slug, Kind.PREFERENCES)


@public
def everything(request: HttpRequest, token: str, slug: str = "") -> HttpResponse:
    """The page that stops everything, by the same link."""
    return _another(request, token, slug, Kind.DENYLIST)


def _another(request: HttpRequest, token: str, slug: str, kind: str) -> HttpResponse:
    read = links.read_page_token(token, slug) if slug else None
    link = to_page_of(kind, read or links.read_opt_out_token(token))
    return _personal(request, link, kind)


@public
def anybody(request: HttpRequest, slug: str) -> HttpResponse:
    """A landing page for visitors without a personal link (L5)."""
    version = landing_pages.live(slug)
    if version is None:
        raise Http404
    status = closed(version.content, timezone.now())
    if status:
        return _closed(request, version.content, status)
    return unidentified.answer(request, version)


@public
def elsewhere(request: HttpRequest) -> HttpResponse:
    """Whatever else somebody asks for below the public addresses."""
    raise Http404


def _personal(request: HttpRequest, link: Link, kind: str) -> HttpResponse:
    if request.method != "POST":
        return _look(request, identified(link, kind))
    if kind not in LandingPage.BUTTON_KINDS:
        visitors.require_own_page(request)
    # Before the lock: a visitor whose form comes slowly must keep nobody waiting.
    data = posted(request)
    if not outcomes.is_own_form(data) and acts.opts_out(kind, data):
        done = opt_out(link, acts.origin_of(link, kind, data, request), kind)
        language = _language(request, done.visit)
        shown = after_pages.stopped(language, done)
        ways.add(shown, request, done.visit)
        return rendering.show(request, done.visit.content, language, shown)
    with transaction.atomic():
        return answer(request, identified(link, kind, lock=True), data, leads_on=True)


def _look(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The page of a GET: what an act of this browser did, while that is so; else what
    is true now."""
    told = outcomes.read(request, visit.profile.pk)
    is_open = not visit.closed_at(timezone.now())
    if told is None or not (is_open or told["did"] == "stopped"):
        return answer(request, visit)
    language = _language(request, visit)
    shown = after_pages.told(visit, language, told)
    return _show(request, visit, language, shown, told)


def answer(
    request: HttpRequest,
    visit: Visit,
    data: QueryDict | None = None,
    notices: tuple[str, ...] = (),
    *,
    leads_on: bool = False,
) -> HttpResponse:
    """The page of a visit; for a POST, after its act with the posted fields.

    The caller is then in a transaction, with the profile locked, and has read the
    fields before it. `leads_on`: a form of ours leads to the page that tells what it
    did.
    """
    language = _language(request, visit)
    status = visit.closed_at(timezone.now())
    if status and not acts.opts_out(visit.kind, data):
        return _closed(request, visit.content, status)
    if request.method != "POST":
        standing = standing_of(visit)
        form = VisitForm(None, visit=visit, standing=standing, language=language)
        shown = visit_pages.before(visit, standing, language, form)
        shown.notices = [*notices, *shown.notices]
        return _show(request, visit, language, shown)
    done = acts.act(visit, language, data, request)
    if isinstance(done, Shown):
        done.notices = [*notices, *done.notices]
        return _show(request, visit, language, done)
    if data and (earlier := str(data.get("earlier", ""))):
        done["earlier"] = earlier
    if leads_on:
        profile_id = visit.profile.pk
        response = outcomes.leads_on(request, data, language, done, profile_id)
        if response:
            return response
    shown = after_pages.told(visit, language, done)
    shown.notices = [*notices, *shown.notices]
    return _show(request, visit, language, shown, done)


def _show(
    request: HttpRequest,
    visit: Visit,
    language: str,
    shown: Shown,
    told: outcomes.Facts | None = None,
) -> HttpResponse:
    facts = told or {}
    earlier, is_undone = facts.get("earlier", ""), facts.get("did") == "undone"
    ways.add(shown, request, visit, earlier=earlier, is_undone=is_undone)
    return rendering.show(request, visit.content, language, shown)


def _language(request: HttpRequest, visit: Visit) -> str:
    person = visit.profile.language if visit.shows else ""
    return rendering.page_language(request, rendering.spoken(visit.content), person)


def _closed(request: HttpRequest, content: Content, status: str) -> HttpResponse:
    has_ended = status == Status.ENDED
    if has_ended and content["closed_redirect"] and request.method != "POST":
        return HttpResponseRedirect(content["closed_redirect"])
    language = rendering.page_language(request, rendering.spoken(content))
    shown = rendering.closed_page(content, language, status)
    code = 410 if has_ended else 404
    return rendering.show(request, content, language, shown, status=code)


# ---------------------------------------------------------------- files of the pages
FOR_EVER = "public, max-age=31536000, immutable"


@public
def stylesheet(request: HttpRequest, name: str) -> HttpResponse:
    """The colours of a brand; its name says which, so it never changes."""
    return HttpResponse(
        brand.stylesheet(name),
        content_type="text/css",
        headers={"Cache-Control": FOR_EVER},
    )


@public
def logo(request: HttpRequest, sha256: str) -> HttpResponse:
    """A logo; its name is the digest of its bytes, so it never changes."""
    asset = LandingPageAsset.objects.filter(pk=sha256).first()
    if asset is None:
        raise Http404
    return HttpResponse(
        bytes(asset.data),
        content_type=asset.content_type,
        headers={"Cache-Control": FOR_EVER},
    )
