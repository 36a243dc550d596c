"""The pages of a visit: before the act, after it, and after its undo."""

from django.urls import reverse

from audiences import links
from audiences.links import Undo
from audiences.models import LandingPage
from audiences.signups.allowing import Answer
from audiences.subscriptions import messages as subscription_messages
from audiences.visits.adding import may_add
from audiences.visits.opting_out import has_address_to_stop
from audiences.visits.standing import Done, Standing, has_nothing_to_do
from audiences.visits.undoing import Undone
from audiences.visits.visit import Visit
from audiences.visits.wishing import Wishing, scope_of
from audiences.wording import page_texts

from .page_form import PageForm
from .rendering import Shown, contact, filled, texts_of
from .state_lines import asked_lines, service_line, state, wish_lines
from .wish_forms import ReasonForm

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
    shown = _page(visit, language, "introduction")
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
        _offer_fresh_link(shown, visit, language)
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
    shown.title = page_texts.text(language, f"done.{visit.kind}")
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
    title = page_texts.text(language, f"done.{Kind.UNSUBSCRIPTION}")
    return Shown(
        title, page_texts.text(language, f"{words}.confirmation"), is_done=True
    )


def after(language: str, done: Done) -> Shown:
    """The confirmation: what is true now, and how to undo it."""
    visit = done.visit
    shown = _page(visit, language, "confirmation")
    if not (done.left_out or done.asked):  # else not everything is done
        shown.title = page_texts.text(language, f"done.{visit.kind}")
    shown.is_done = True
    shown.has_stopped_all = done.standing.stopped_all
    if visit.shows:
        _say_what_is_true(shown, done, language)
    if done.left_out:
        # The confirmation would say that everything was done.
        shown.body = ""
        shown.notices.append(page_texts.text(language, "page.stale_kept"))
        _offer_fresh_link(shown, visit, language)
    changed = len(done.event_ids) + len(done.wishes) + len(done.wishes_ended)
    if visit.shows and 0 < changed <= MOST_UNDONE:
        shown.undo = _token(
            visit,
            Undo(
                visit.link.profile_id,
                done.event_ids,
                done.stopped_address,
                done.wishes,
                done.wishes_ended,
            ),
        )
        if visit.kind in LandingPage.BUTTON_KINDS:
            _offer_less_and_ask_why(shown, visit, language)
    return shown


def _token(visit: Visit, act: Undo) -> str:
    return links.undo_token(act, at=visit.link.signed_at)


def _offer_less_and_ask_why(shown: Shown, visit: Visit, language: str) -> None:
    """After an opt-out: less instead of nothing, and why, if they like to say."""
    shown.act_token = shown.undo
    shown.less = page_texts.text(
        language,
        "page.less_hint",
        messages=page_texts.text(language, f"messages.{scope_of(visit)}"),
    )
    shown.reason_form = ReasonForm(language=language)


def wished(visit: Visit, standing: Standing, language: str, wishing: Wishing) -> Shown:
    """The page after a wish: what holds now, and how to undo it."""
    shown = _page(visit, language, "")
    shown.title = page_texts.text(language, "wish.done")
    shown.is_done = True
    shown.has_stopped_all = standing.stopped_all
    shown.state = state(visit, standing, language)
    shown.state += [
        line
        for line in wish_lines(wishing.standing, language)
        if line not in shown.state
    ]
    if wishing.undo:
        shown.undo = _token(visit, wishing.undo)
    return shown


def thanked(visit: Visit, standing: Standing, language: str, token: str) -> Shown:
    """The page after somebody said why they left: what is true, and the undo."""
    shown = _page(visit, language, "")
    shown.title = page_texts.text(language, f"done.{visit.kind}")
    shown.body = page_texts.text(language, "reason.thanks")
    shown.is_done = True
    shown.has_stopped_all = standing.stopped_all
    shown.state = state(visit, standing, language)
    shown.undo = token
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


def say_what_is_added(
    shown: Shown, added: list[tuple[str, str, Answer]], language: str
) -> None:
    """Where a message asks whether an address is the visitor's: as they typed it."""
    for channel, typed, answer in added:
        if answer is not Answer.SENT:
            shown.notices += asked_lines([(channel, answer)], language)
            continue
        messages = page_texts.text(language, f"messages.{channel}")
        shown.notices.append(
            page_texts.text(language, "asked.added", messages=messages, typed=typed)
        )


# The most events that fit into a token; no page changes more at once.
MOST_UNDONE = 100


def after_undo(
    visit: Visit, standing: Standing, language: str, undone: Undone
) -> Shown:
    """The page after an undo: whether it is as before, and what is true now."""
    shown = _page(visit, language, "")
    if undone is not Undone.NOTHING:
        shown.title = page_texts.text(language, "page.undone_title")
    shown.body = page_texts.text(language, f"page.undone_{undone.value}")
    shown.has_stopped_all = standing.stopped_all
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
