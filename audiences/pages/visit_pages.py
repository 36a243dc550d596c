"""The page of a visit before its act: what is true, and what can be done."""

from django.urls import reverse

from audiences.models import LandingPage
from audiences.visits.adding import may_add
from audiences.visits.opting_out import has_address_to_stop
from audiences.visits.standing import Standing, has_nothing_to_do
from audiences.visits.visit import Visit
from audiences.wording import page_texts

from .page_form import PageForm
from .rendering import Shown, contact, filled, texts_of
from .state_lines import service_line, state, wish_lines

Kind = LandingPage.Kind


def _places(visit: Visit, language: str) -> dict[str, str]:
    """What fills the places of a page's texts: what it is about, and the address."""
    if visit.service:
        about = visit.service.label_in(language)
    else:
        about = page_texts.text(language, f"messages.{visit.scope}")
    return {"messages": about, "address": visit.address}


def page_of(visit: Visit, language: str, body: str) -> Shown:
    """A page of a visit with one of its texts, and nothing else yet."""
    texts, values = texts_of(visit.content, language), _places(visit, language)
    shown = Shown(page_texts.fill(texts["title"], **values))
    if body:
        shown.body = filled(texts["html"][body], **values)
    if visit.shows and visit.stops_all_addresses:
        shown.about = page_texts.text(language, "page.about_all")
    elif visit.address:
        shown.about = page_texts.text(
            language, "page.about_address", address=visit.address
        )
    return shown


def before(
    visit: Visit, standing: Standing, language: str, form: PageForm | None
) -> Shown:
    """The page before the act."""
    if not visit.shows:
        return _to_stop(visit, language)
    shown = page_of(visit, language, "introduction")
    button = texts_of(visit.content, language)["button"]
    shown.form = form
    shown.button = page_texts.fill(button, **_places(visit, language))
    shown.has_stopped_all = standing.stopped_all
    if visit.kind in LandingPage.BUTTON_KINDS:
        if has_nothing_to_do(visit, standing):
            _say_that_it_has_stopped(shown, visit, standing, language)
        return shown
    if not visit.proved:
        shown.notices.append(page_texts.text(language, f"page.{_weakness(visit)}"))
        offer_fresh_link(shown, visit, language)
        if visit.kind == Kind.SUBSCRIPTION:
            shown.form, shown.button = None, ""
    if visit.kind in LandingPage.CHOICE_KINDS:
        if standing.stopped_all:
            shown.state = [page_texts.text(language, "state.gets_nothing")]
        shown.state += wish_lines(standing.wishes, language)
        _say_what_cannot_reach(shown, visit, standing, language)
    # An unticked box alone would say that nobody has asked for it.
    asked = [*standing.offered, *filter(None, [visit.service])]
    shown.notices += [
        service_line(visit.link.profile_id, standing, service, language)
        for service in asked
        if service.pk in standing.pending
    ]
    return shown


def _weakness(visit: Visit) -> str:
    """Why a link can only stop messages, as the name of a text."""
    if visit.link.is_fresh and visit.link.sent_to:
        return "not_primary"
    return "stale" if visit.link.sent_to else "only_stops"


def _say_what_cannot_reach(
    shown: Shown, visit: Visit, standing: Standing, language: str
) -> None:
    """The channels of the page for which the person has given no address."""
    # A field asks for what may be added.
    there = [*standing.channels(visit), *may_add(visit, standing)]
    absent = [c for c in visit.channels if c not in there]
    if absent:
        names = [page_texts.text(language, f"channels.{c}") for c in absent]
        shown.unreachable = page_texts.text(
            language, "page.unreachable", channels=", ".join(names)
        )


def _to_stop(visit: Visit, language: str) -> Shown:
    """The page of a link that shows nothing of the person: one button that stops.

    A page of boxes becomes that button. Its form says so: one that was made before,
    with boxes, may not be taken for it.
    """
    if visit.kind in LandingPage.BUTTON_KINDS:
        shown = page_of(visit, language, "introduction")
        button = texts_of(visit.content, language)["button"]
        shown.button = page_texts.fill(button, **_places(visit, language))
        return shown
    values = _places(visit, language)
    words = f"kinds.{Kind.UNSUBSCRIPTION}"
    shown = Shown(
        page_texts.text(language, f"{words}.title", **values),
        page_texts.text(language, f"{words}.introduction", **values),
        notices=[page_texts.text(language, "page.stale")],
        button=page_texts.text(language, f"{words}.button", **values),
        act="stop",
    )
    offer_fresh_link(shown, visit, language)
    return shown


def _say_that_it_has_stopped(
    shown: Shown, visit: Visit, standing: Standing, language: str
) -> None:
    """Instead of a button; one is left where an address has still to be stopped."""
    shown.title = page_texts.text(language, f"done.{visit.kind}")
    shown.state, shown.body = state(visit, standing, language), ""
    if not visit.service and has_address_to_stop(visit):
        others = page_texts.text(language, "state.address_not_stopped")
        shown.state.append(others)
    else:
        shown.form, shown.button = None, ""


def offer_fresh_link(shown: Shown, visit: Visit, language: str) -> None:
    """Lead to the page that mails a fresh link, else to somebody who can help."""
    if visit.content["slug"] and visit.content["allows_unidentified"]:
        page = visit.content["slug"]
        shown.link_request_url = reverse("pages:anybody", args=[page])
    else:
        shown.contact = contact(language)
