"""The public pages. GET shows, POST acts; a signed link is the only key.

The views are exempt from CSRF tokens: they need a cookie, and no page of another site
can know the link.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
)
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from audiences import landing_pages, links
from audiences.consent import Origin, Source
from audiences.landing_pages import Content
from audiences.links import BadLink, Link
from audiences.models import LandingPage, LandingPageAsset
from audiences.pages import brand, confirming, rendering, unidentified
from audiences.visits import acts, undoing
from audiences.visits.identified import Visit, closed, identified, read_subscriptions

from .forms import VisitForm
from .rendering import Shown
from .visitors import network_address, posted, user_agent

Kind = LandingPage.Kind
Status = LandingPage.Status
View = Callable[..., HttpResponse]
METHODS = ("GET", "HEAD", "POST", "OPTIONS")


def public(view: View) -> View:
    """A public page: no CSRF cookie, OPTIONS answered without looking at anything."""

    @csrf_exempt
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in METHODS or request.method == "OPTIONS":
            status = 204 if request.method == "OPTIONS" else 405
            return HttpResponse(status=status, headers={"Allow": ", ".join(METHODS)})
        try:
            return view(request, *args, **kwargs)
        except BadLink:
            return rendering.notice_page(request, "bad_link", 404)
        except Http404:
            return rendering.notice_page(request, "not_found", 404)

    return wrapped


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
def confirm_signup(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Behind the link of a sign-up mail: GET shows a button, POST confirms (S6)."""
    return unidentified.confirm(request, slug, token)


@public
def confirm_subscription(request: HttpRequest, token: str) -> HttpResponse:
    """Behind the link of a double opt-in: GET shows a button, POST confirms (S6)."""
    return confirming.answer(request, token)


@public
def elsewhere(request: HttpRequest) -> HttpResponse:
    """Whatever else somebody asks for below the public addresses."""
    raise Http404


def _personal(request: HttpRequest, link: Link, kind: str) -> HttpResponse:
    if request.method == "POST":
        # Before the lock: a visitor whose form comes slowly must keep nobody waiting.
        data = posted(request)
        with transaction.atomic():
            visit = identified(link, kind, lock=True)
            return answer(request, visit, data)
    visit = identified(link, kind)
    return answer(request, visit)


def answer(
    request: HttpRequest,
    visit: Visit,
    data: QueryDict | None = None,
    notices: tuple[str, ...] = (),
) -> HttpResponse:
    """The page of a visit; for a POST, after its act with the posted fields.

    The caller is then in a transaction, with the profile locked, and has read the
    fields before it.
    """
    person = visit.profile.language if visit.profile else ""
    language = rendering.page_language(request, visit.content["languages"], person)
    if visit.profile is None:
        return rendering.notice_page(request, "gone", 200)
    if visit.kind not in LandingPage.OPT_OUT_KINDS:
        # A page that starts messages is closed when it was unpublished or deleted.
        is_there = visit.content["slug"]
        status = closed(visit.content, timezone.now()) if is_there else Status.ENDED
        if status:
            return _closed(request, visit.content, status)
    if request.method == "POST":
        shown = _act(visit, language, data, request)
    else:
        read_subscriptions(visit)
        shown = rendering.before(visit, language, _form(visit, language))
    shown.notices = [*notices, *shown.notices]
    return rendering.show(request, visit.content, language, shown)


def _closed(request: HttpRequest, content: Content, status: str) -> HttpResponse:
    has_ended = status == Status.ENDED
    if has_ended and content["closed_redirect"] and request.method != "POST":
        return HttpResponseRedirect(content["closed_redirect"])
    language = rendering.page_language(request, content["languages"])
    shown = rendering.closed_page(content, language, status)
    code = 410 if has_ended else 404
    return rendering.show(request, content, language, shown, status=code)


# ---------------------------------------------------------------- acts
def _act(
    visit: Visit, language: str, data: QueryDict | None, request: HttpRequest
) -> Shown:
    if data is None:
        if visit.kind not in (Kind.UNSUBSCRIPTION, Kind.DENYLIST):
            read_subscriptions(visit)
            return rendering.before(visit, language, _form(visit, language))
        data = QueryDict()  # opting out needs no word
    origin = _origin(visit, data, request)
    token = data.get("undo")
    if token:
        return _undo(visit, language, str(token), origin)
    if visit.kind in (Kind.UNSUBSCRIPTION, Kind.DENYLIST):
        done = acts.opt_out(visit, origin)
        return rendering.after(visit, language, done)
    read_subscriptions(visit)
    form = _form(visit, language, data)
    if not form.is_valid():
        return rendering.before(visit, language, form)
    if visit.kind == Kind.SUBSCRIPTION:
        planned = acts.plan_subscription(visit)
    else:
        planned = acts.plan(visit, form.ticked, form.shown)
    starts = visit.link.is_fresh and any(change.starts for change in planned)
    if starts and not form.require_agreement():
        return rendering.before(visit, language, form)
    done = acts.choose(visit, planned, origin, language)
    acts.edit(visit, form.details(visit.content))
    read_subscriptions(visit)
    return rendering.after(visit, language, done)


def _undo(visit: Visit, language: str, token: str, origin: Origin) -> Shown:
    try:
        wanted = links.read_undo_token(token)
    except BadLink:
        undone = undoing.Undone.NOTHING
    else:
        undone = undoing.undo(visit, wanted, origin)
    read_subscriptions(visit)
    return rendering.after_undo(visit, language, undone)


def _form(visit: Visit, language: str, data: QueryDict | None = None) -> VisitForm:
    present = acts.present(visit)
    return VisitForm(
        data,
        visit=visit,
        language=language,
        channels=present.ticked_channels(visit.channels),
        services=present.ticked_services([s.pk for s in visit.services]),
    )


def _origin(visit: Visit, data: QueryDict, request: HttpRequest) -> Origin:
    """The proof of the act. A mail client acts without its user seeing a page."""
    by_page = "act" in data or "undo" in data or visit.kind != Kind.UNSUBSCRIPTION
    by_page = by_page or bool(visit.link.page)
    return Origin(
        source=Source.LANDING_PAGE if by_page else Source.ONE_CLICK,
        ip=network_address(request),
        user_agent=user_agent(request),
        wording_version=visit.wording if by_page else "",
        delivery_id=visit.link.delivery_id,
    )


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
