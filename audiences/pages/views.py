"""The public pages. GET shows, POST acts; a signed link is the only key.

The links in the mails that ask to confirm lead to `confirming` and `unidentified`.
"""

from dataclasses import replace

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
from audiences.consent import Origin, Source
from audiences.landing_pages import Content
from audiences.links import Link
from audiences.models import LandingPage, LandingPageAsset
from audiences.pages import brand, rendering, unidentified, visit_pages, visitors, ways
from audiences.visits import adding, choosing
from audiences.visits.opting_out import opt_out, opt_out_on
from audiences.visits.standing import standing_of
from audiences.visits.undoing import undo
from audiences.visits.visit import Visit, closed, identified
from audiences.visits.ways import to_page_of
from audiences.visits.wishing import Wish, give_reason, wish
from audiences.wording import page_texts

from . import own_fields
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
        return answer(request, identified(link, kind))
    if kind not in LandingPage.BUTTON_KINDS:
        visitors.require_own_page(request)
    # Before the lock: a visitor whose form comes slowly must keep nobody waiting.
    data = posted(request)
    if _opts_out(kind, data):
        done = opt_out(link, _origin(link, kind, data, request), kind)
        language = _language(request, done.visit)
        shown = visit_pages.stopped(language, done)
        ways.add(shown, request, done.visit, data)
        return rendering.show(request, done.visit.content, language, shown)
    with transaction.atomic():
        return answer(request, identified(link, kind, lock=True), data)


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
    language = _language(request, visit)
    if status := visit.closed_at(timezone.now()):
        return _closed(request, visit.content, status)
    if request.method == "POST":
        shown = _act(visit, language, data, request)
    else:
        standing = standing_of(visit)
        form = VisitForm(None, visit=visit, standing=standing, language=language)
        shown = visit_pages.before(visit, standing, language, form)
    shown.notices = [*notices, *shown.notices]
    ways.add(shown, request, visit, data)
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


# ---------------------------------------------------------------- acts
# What the forms of a confirmation send: the token of its undo, by what it is for.
AFTERWARDS = ("undo", "instead_of", "reason_for")


def _opts_out(kind: str, data: QueryDict | None) -> bool:
    """Whether a POST opts out: that of a button page whatever its body, but an undo,
    a wish, or a reason that is given afterwards.

    Another page has such a button where the link may show nothing else.
    """
    if kind in LandingPage.BUTTON_KINDS:
        return not (data and any(data.get(name) for name in AFTERWARDS))
    return bool(data and data.get("stop"))


def _act(
    visit: Visit, language: str, data: QueryDict | None, request: HttpRequest
) -> Shown:
    origin = _origin(visit.link, visit.kind, data, request)
    if _opts_out(visit.kind, data):
        return visit_pages.stopped(language, opt_out_on(visit, origin))
    if data and any(data.get(name) for name in AFTERWARDS):
        return _afterwards(visit, language, data, origin)
    standing = standing_of(visit)
    form = VisitForm(data, visit=visit, standing=standing, language=language)
    if not form.is_valid():
        return visit_pages.before(visit, standing, language, form)
    planned = choosing.plan(visit, standing, form.ticked, form.shown)
    if choosing.starts_messages(visit, planned) and not form.require_agreement():
        return visit_pages.before(visit, standing, language, form)
    details = form.details(visit.content)
    choosing.edit_own(visit, own_fields.values_in(form))
    done = choosing.choose(visit, planned, details, origin, language, wish=form.wish)
    network = visitors.network(request)
    added = [
        (c, text, adding.add(visit, c, text, language=language, network=network))
        for c, text in form.added.items()
    ]
    shown = visit_pages.after(language, done)
    visit_pages.say_what_is_added(shown, added, language)
    return shown


def _afterwards(visit: Visit, language: str, data: QueryDict, origin: Origin) -> Shown:
    """What a confirmation offers: to undo, to stay for less, to say why."""
    token, instead_of, reason_for = (str(data.get(name, "")) for name in AFTERWARDS)
    if token:
        undone = undo(visit, token, _pressed(origin, language, "page.undo"))
        return visit_pages.after_undo(visit, standing_of(visit), language, undone)
    if not visit.shows:
        return visit_pages.before(visit, standing_of(visit), language, None)
    if instead_of:
        wanted = Wish.PAUSE if data.get("wish") == Wish.PAUSE else Wish.MONTH
        pressed = _pressed(origin, language, f"page.{wanted}_button")
        done = wish(visit, wanted, pressed, instead_of=instead_of)
        return visit_pages.wished(visit, standing_of(visit), language, done)
    reason, words = str(data.get("reason", "")), str(data.get("words", ""))
    give_reason(visit, reason_for, reason, words)
    return visit_pages.thanked(visit, standing_of(visit), language, reason_for)


def _pressed(origin: Origin, language: str, button: str) -> Origin:
    """The proof of an act by a button that the wording of the page does not have."""
    words = page_texts.text(language, button)
    return replace(origin, note=f"Button pressed: “{words}”")


def _origin(
    link: Link, kind: str, data: QueryDict | None, request: HttpRequest
) -> Origin:
    """The proof of the act. A mail client acts without its user seeing a page."""
    names = ("act", *AFTERWARDS)
    by_form = data is not None and any(name in data for name in names)
    by_page = by_form or kind != Kind.UNSUBSCRIPTION or bool(link.page)
    return visitors.origin(
        request, Source.LANDING_PAGE if by_page else Source.ONE_CLICK
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
