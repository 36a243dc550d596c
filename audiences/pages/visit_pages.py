"""The pages of a visit: before the act, after it, and after its undo."""

from django.urls import reverse

from audiences import links
from audiences.links import Undo
from audiences.models import LandingPage
from audiences.signups.allowing import Answer
from audiences.subscriptions import messages as subscription_messages
from audiences.visits.opting_out import has_address_to_stop
from audiences.visits.standing import Done, Standing, has_nothing_to_do
from audiences.visits.undoing import Undone
from audiences.visits.visit import Visit
from audiences.wording import page_texts

from .forms import PageForm
from .rendering import Shown, contact, filled, texts_of
from .state_lines import asked_lines, service_line, state

Kind = LandingPage.Kind


def _places(visit: Visit, language: str) -> dict[str, str]:
    """What fills the places of a page's texts: what it is about, and the address."""
    if visit.service:
        about = visit.service.label_in(language)
    else:
        about = page_texts.text(language, f"messages.{visit.scope}")
    return {"messages": about, "address": visit.address}


def _page(visit: Visit, language: str, body: str) -> Shown:
    """A page of a visit with one of its texts, and nothing else yet."""
    texts, values = texts_of(visit.content, language), _places(visit, language)
    shown = Shown(page_texts.fill(texts["title"], **values))
    if body:
        shown.body = filled(texts["html"][body], **values)
    if visit.address:
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
    shown = _page(visit, language, "introduction")
    button = texts_of(visit.content, language)["button"]
    shown.form = form
    shown.button = page_texts.fill(button, **_places(visit, language))
    if visit.kind in LandingPage.BUTTON_KINDS:
        if has_nothing_to_do(visit, standing):
            _say_that_it_has_stopped(shown, visit, standing, language)
        return shown
    if not visit.proved:
        shown.notices.append(page_texts.text(language, f"page.{_weakness(visit)}"))
        _offer_fresh_link(shown, visit, language)
        if visit.kind == Kind.SUBSCRIPTION:
            shown.form, shown.button = None, ""
    if visit.kind in LandingPage.CHOICE_KINDS and standing.stopped_all:
        shown.state = [page_texts.text(language, "state.gets_nothing")]
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
    return "stale"


def _to_stop(visit: Visit, language: str) -> Shown:
    """The page of a link that shows nothing of the person: one button that stops.

    A page of boxes becomes that button. Its form says so: one that was made before,
    with boxes, may not be taken for it.
    """
    if visit.kind in LandingPage.BUTTON_KINDS:
        shown = _page(visit, language, "introduction")
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
    _offer_fresh_link(shown, visit, language)
    return shown


def _say_that_it_has_stopped(
    shown: Shown, visit: Visit, standing: Standing, language: str
) -> None:
    """Instead of a button; one is left where an address has still to be stopped."""
    shown.state, shown.body = state(visit, standing, language), ""
    if not visit.service and has_address_to_stop(visit):
        others = page_texts.text(language, "state.address_not_stopped")
        shown.state.append(others)
    else:
        shown.form, shown.button = None, ""


def stopped(language: str, done: Done) -> Shown:
    """The confirmation of the button that stops, on whatever page it stood."""
    visit = done.visit
    if visit.shows or visit.kind in LandingPage.BUTTON_KINDS:
        return after(language, done)
    words = f"kinds.{Kind.UNSUBSCRIPTION}"
    title = page_texts.text(language, f"{words}.title")
    return Shown(
        title, page_texts.text(language, f"{words}.confirmation"), is_done=True
    )


def after(language: str, done: Done) -> Shown:
    """The confirmation: what is true now, and how to undo it."""
    visit = done.visit
    shown = _page(visit, language, "confirmation")
    shown.is_done = True
    if visit.shows:
        _say_what_is_true(shown, done, language)
    if done.left_out:
        # The confirmation would say that everything was done.
        shown.body = ""
        shown.notices.append(page_texts.text(language, "page.stale_kept"))
        _offer_fresh_link(shown, visit, language)
    if visit.shows and 0 < len(done.event_ids) <= MOST_UNDONE:
        shown.undo = links.undo_token(
            Undo(visit.link.profile_id, done.event_ids, done.stopped_address),
            at=visit.link.signed_at,
        )
    return shown


def _say_what_is_true(shown: Shown, done: Done, language: str) -> None:
    """What the visitor gets now, and what waits, or cannot be."""
    visit = done.visit
    shown.state = state(visit, done.standing, language)
    if done.stopped_address:
        shown.state.append(page_texts.text(language, "state.address_stopped"))
    for service in done.closed:
        label = service.label_in(language)
        shown.notices.append(
            page_texts.text(language, "page.service_closed", service=label)
        )
    profile_id = visit.link.profile_id
    for service in done.unsent:
        if subscription_messages.was_asked(profile_id, service):
            label = service.label_in(language)
            shown.notices.append(
                page_texts.text(language, "page.not_asked_again", service=label)
            )
    if done.asked:
        shown.body = ""  # not everything is as it was ticked
        shown.notices += asked_lines(done.asked, language)
    if any(answer == Answer.NO_MESSAGES for _channel, answer in done.asked):
        shown.contact = contact(language)


# The most events that fit into a token; no page changes more at once.
MOST_UNDONE = 100


def after_undo(
    visit: Visit, standing: Standing, language: str, undone: Undone
) -> Shown:
    """The page after an undo: whether it is as before, and what is true now."""
    shown = _page(visit, language, "")
    shown.body = page_texts.text(language, f"page.undone_{undone.value}")
    shown.is_done = True
    if visit.shows:
        shown.state = state(visit, standing, language)
    return shown


def _offer_fresh_link(shown: Shown, visit: Visit, language: str) -> None:
    """Lead to the page that mails a fresh link, else to somebody who can help."""
    if visit.content["slug"] and visit.content["allows_unidentified"]:
        page = visit.content["slug"]
        shown.link_request_url = reverse("pages:anybody", args=[page])
    else:
        shown.contact = contact(language)
