"""The pages of a visit after its act: what happened, what is true now, the undo."""

from audiences import links, wishes
from audiences.channels import Channel
from audiences.links import Undo
from audiences.models import LandingPage
from audiences.signups.allowing import Answer
from audiences.subscriptions import messages as subscription_messages
from audiences.visits.standing import Boxes, Done, Standing, standing_of
from audiences.visits.undoing import Undone
from audiences.visits.visit import Visit
from audiences.visits.wishing import Wishing, scope_of
from audiences.wording import page_texts

from .outcomes import Facts, done_of
from .rendering import Shown, contact
from .state_lines import asked_lines, state, wish_lines
from .visit_pages import offer_fresh_link, page_of
from .wish_forms import ReasonForm

Kind = LandingPage.Kind


def told(visit: Visit, language: str, facts: Facts) -> Shown:
    """The page that tells an outcome, with what is true now."""
    did = facts["did"]
    if did == "stopped":
        return stopped(language, done_of(facts, visit))
    if did == "chosen":
        return after(language, done_of(facts, visit))
    standing = standing_of(visit)
    if did == "undone":
        return after_undo(visit, standing, language, Undone(facts["undone"]))
    tell = wished if did == "wished" else thanked
    return tell(visit, standing, language, facts["undo"])


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
    shown = page_of(visit, language, "confirmation")
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
        offer_fresh_link(shown, visit, language)
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


def undo_of(visit: Visit, wishing: Wishing) -> str:
    """The token that undoes a wish; empty where nothing changed."""
    return _token(visit, wishing.undo) if wishing.undo else ""


def wished(visit: Visit, standing: Standing, language: str, undo: str) -> Shown:
    """The page after a wish: what holds now, and how to undo it."""
    shown = page_of(visit, language, "")
    shown.title = page_texts.text(language, "wish.done")
    shown.is_done = True
    shown.has_stopped_all = standing.stopped_all
    shown.state = state(visit, standing, language)
    shown.state += [
        line
        for line in wish_lines(wishes.of_person(visit.profile.pk), language)
        if line not in shown.state
    ]
    shown.undo = undo
    return shown


def thanked(visit: Visit, standing: Standing, language: str, token: str) -> Shown:
    """The page after somebody said why they left: what is true, and the undo."""
    shown = page_of(visit, language, "")
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
    if names := _names(done.kept, done.standing, language):
        shown.notices.append(page_texts.text(language, "page.meanwhile", names=names))
    _say_what_is_added(shown, done, language)


def _names(boxes: Boxes, standing: Standing, language: str) -> str:
    """The boxes by the names that the page has for them, in its order."""
    channels = [channel for channel in Channel.values if channel in boxes.channels]
    names = [page_texts.text(language, f"channels.{channel}") for channel in channels]
    offered = (s for s in standing.offered if s.pk in boxes.services)
    return ", ".join([*names, *(service.label_in(language) for service in offered)])


def _say_what_is_added(shown: Shown, done: Done, language: str) -> None:
    """Where a message asks whether an address is the visitor's: as they typed it; and
    which address was taken away."""
    for channel, typed, answer in done.added:
        if answer is not Answer.SENT:
            shown.notices += asked_lines([(channel, answer)], language)
            continue
        messages = page_texts.text(language, f"messages.{channel}")
        shown.notices.append(
            page_texts.text(language, "asked.added", messages=messages, typed=typed)
        )
    for channel, address in done.removed:
        messages = page_texts.text(language, f"messages.{channel}")
        shown.notices.append(
            page_texts.text(
                language, "page.removed", address=address, messages=messages
            )
        )


# The most events that fit into a token; no page changes more at once.
MOST_UNDONE = 100


def after_undo(
    visit: Visit, standing: Standing, language: str, undone: Undone
) -> Shown:
    """The page after an undo: whether it is as before, and what is true now."""
    shown = page_of(visit, language, "")
    if undone is not Undone.NOTHING:
        shown.title = page_texts.text(language, "page.undone_title")
    shown.body = page_texts.text(language, f"page.undone_{undone.value}")
    shown.has_stopped_all = standing.stopped_all
    shown.is_done = True
    if visit.shows:
        shown.state = state(visit, standing, language)
    return shown
