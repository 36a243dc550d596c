"""What a POST of a visit does: opt out, choose, undo, ask for less, say why.

Each act ends as facts, which the page tells (`after_pages`) now or after a redirect.
"""

from dataclasses import replace

from django.http import HttpRequest, QueryDict

from audiences.consent import Origin, Source
from audiences.links import Link
from audiences.models import LandingPage
from audiences.visits import adding, choosing, removing
from audiences.visits.opting_out import opt_out_on
from audiences.visits.standing import standing_of
from audiences.visits.undoing import undo
from audiences.visits.visit import Visit
from audiences.visits.wishing import Wish, give_reason, wish
from audiences.wording import page_texts

from . import after_pages, outcomes, own_fields, visit_pages, visitors
from .forms import VisitForm
from .rendering import Shown

Kind = LandingPage.Kind
# What the forms of a confirmation send: the token of its undo, by what it is for.
AFTERWARDS = ("undo", "instead_of", "reason_for")


def opts_out(kind: str, data: QueryDict | None) -> bool:
    """Whether a POST opts out: that of a button page whatever its body, but an undo,
    a wish, or a reason that is given afterwards.

    Another page has such a button where the link may show nothing else.
    """
    if kind in LandingPage.BUTTON_KINDS:
        return not (data and any(data.get(name) for name in AFTERWARDS))
    return bool(data and data.get("stop"))


def act(
    visit: Visit, language: str, data: QueryDict | None, request: HttpRequest
) -> outcomes.Facts | Shown:
    """What a POST did, as facts; or the form that comes back, and did nothing."""
    origin = origin_of(visit.link, visit.kind, data, request)
    if opts_out(visit.kind, data):
        return outcomes.of_done("stopped", opt_out_on(visit, origin))
    if data and any(data.get(name) for name in AFTERWARDS):
        return _afterwards(visit, language, data, origin)
    standing = standing_of(visit)
    form = VisitForm(data, visit=visit, standing=standing, language=language)
    if not form.is_valid():
        return visit_pages.before(visit, standing, language, form)
    planned, kept = choosing.plan(visit, standing, form.boxes)
    # A channel whose address goes is decided by that.
    planned = [change for change in planned if change.subject not in form.removed]
    kept = replace(kept, channels=kept.channels - form.removed | form.replaced)
    if choosing.starts_messages(visit, planned) and not form.require_agreement():
        return visit_pages.before(visit, standing, language, form)
    details = form.details(visit.content)
    choosing.edit_own(visit, own_fields.values_in(form))
    done = choosing.choose(visit, planned, details, origin, language, wish=form.wish)
    network = visitors.network(request)
    added = tuple(
        (c, text, adding.add(visit, c, text, language=language, network=network))
        for c, text in form.added.items()
    )
    removed = tuple(
        (channel, offered.shown)
        for channel, offered in form.may_remove.items()
        if channel in form.removed and removing.remove(visit, channel, origin)
    )
    done = replace(done, kept=kept, added=added, removed=removed)
    return outcomes.of_done("chosen", done)


def _afterwards(
    visit: Visit, language: str, data: QueryDict, origin: Origin
) -> outcomes.Facts | Shown:
    """What a confirmation offers: to undo, to stay for less, to say why."""
    token, instead_of, reason_for = (str(data.get(name, "")) for name in AFTERWARDS)
    if token:
        undone = undo(visit, token, _pressed(origin, language, "page.undo"))
        return {"did": "undone", "undone": undone.value}
    if not visit.shows:
        return visit_pages.before(visit, standing_of(visit), language, None)
    if instead_of:
        wanted = Wish.PAUSE if data.get("wish") == Wish.PAUSE else Wish.MONTH
        pressed = _pressed(origin, language, f"page.{wanted}_button")
        done = wish(visit, wanted, pressed, instead_of=instead_of)
        return {"did": "wished", "undo": after_pages.undo_of(visit, done)}
    reason, words = str(data.get("reason", "")), str(data.get("words", ""))
    give_reason(visit, reason_for, reason, words)
    return {"did": "thanked", "undo": reason_for}


def _pressed(origin: Origin, language: str, button: str) -> Origin:
    """The proof of an act by a button that the wording of the page does not have."""
    words = page_texts.text(language, button)
    return replace(origin, note=f"Button pressed: “{words}”")


def origin_of(
    link: Link, kind: str, data: QueryDict | None, request: HttpRequest
) -> Origin:
    """The proof of the act. A mail client acts without its user seeing a page."""
    names = ("act", *AFTERWARDS)
    by_form = data is not None and any(name in data for name in names)
    by_page = by_form or kind != Kind.UNSUBSCRIPTION or bool(link.page)
    return visitors.origin(
        request, Source.LANDING_PAGE if by_page else Source.ONE_CLICK
    )
