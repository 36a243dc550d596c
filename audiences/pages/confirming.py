"""Behind the links that ask to confirm: a subscription (S6), or a channel.

GET shows a button, POST confirms. Mail scanners open links: nothing changes until the
button is pressed.
"""

from dataclasses import replace

from django.http import HttpRequest, HttpResponse

from audiences import landing_pages
from audiences.channels import Channel
from audiences.consent import Origin, Source
from audiences.landing_pages import Content
from audiences.masking import masked
from audiences.models import LandingPage
from audiences.signups import allowing, new_addresses
from audiences.subscriptions import messages as subscription_messages
from audiences.visits import confirming
from audiences.visits.confirming import Asked, Stage
from audiences.wording import page_texts

from . import outcomes, rendering, visitors, ways
from .middleware import public
from .rendering import Shown
from .state_lines import channel_state, service_line

_Found = allowing.Allowed | new_addresses.Added


@public
def confirm_subscription(request: HttpRequest, token: str) -> HttpResponse:
    """The page of the link."""
    if request.method == "POST":
        visitors.require_own_page(request)
        origin = visitors.origin(request, Source.LANDING_PAGE)
        asked = confirming.confirm(token, origin)
    else:
        asked = confirming.look(token)
        if asked.stage == Stage.BEFORE and _told(request, asked.held.profile_id):
            asked = replace(asked, stage=Stage.DONE)
    person = asked.held.profile.language
    language = rendering.page_language(request, rendering.spoken(asked.content), person)
    is_done, profile_id = asked.stage == Stage.DONE, asked.held.profile_id
    if is_done and (leads_on := _leads_on(request, language, profile_id)):
        return leads_on
    return rendering.show(request, asked.content, language, _shown(asked, language))


def _leads_on(
    request: HttpRequest, language: str, profile_id: int
) -> HttpResponse | None:
    """To the same address, which then says that this has just been confirmed."""
    if request.method != "POST":
        return None
    data, facts = visitors.posted(request), {"did": "confirmed"}
    return outcomes.leads_on(request, data, language, facts, profile_id)


def _told(request: HttpRequest, profile_id: int) -> bool:
    """Whether this browser has confirmed it, and nothing has happened since."""
    return outcomes.read(request, profile_id) is not None


def _shown(asked: Asked, language: str) -> Shown:
    service = asked.service.label_in(language)
    if asked.stage == Stage.WAITING:
        address = _asked_at(asked)
        which = "subscription_at" if address else "subscription"
        return Shown(
            title=page_texts.text(language, "confirm.title"),
            body=page_texts.text(
                language, f"confirm.{which}", service=service, address=address
            ),
            button=page_texts.text(language, "confirm.subscribe_button"),
        )
    if asked.stage == Stage.CLOSED:
        return Shown(
            title=page_texts.text(language, "confirm.title"),
            body=page_texts.text(language, "page.service_closed", service=service),
        )
    if asked.stage == Stage.BEFORE:
        # Of the person the link tells no more than what it was about, as it is now.
        is_theirs = asked.held.service_id in asked.standing.subscribed
        which = "subscribed" if is_theirs else "not_subscribed"
        title = page_texts.text(language, "confirm.again")
        line = page_texts.text(language, f"state.{which}", service=service)
        return Shown(title, state=[line], is_done=True)
    return _confirmed(asked, language)


def _asked_at(asked: Asked) -> str:
    """The masked address that the service would reach."""
    address = subscription_messages.address_for(asked.held.profile_id, asked.service)
    return masked(address.channel, address.value) if address else ""


def _confirmed(asked: Asked, language: str) -> Shown:
    """What is true now. It has no personal link, but leads to a page that mails one."""
    standing, service = asked.standing, asked.service
    line = service_line(asked.held.profile_id, standing, service, language)
    return Shown(
        title=page_texts.text(language, "confirm.done"),
        state=[line],
        is_done=True,
        preferences_url=ways.preferences_of_anybody(service.channel),
    )


@public
def confirm_channel(request: HttpRequest, token: str) -> HttpResponse:
    """The page of the link that asks whether a channel is allowed again."""
    allowed = allowing.look(token)
    content = landing_pages.built_in_content(LandingPage.Kind.PREFERENCES)
    person = allowed.profile.language
    language = rendering.page_language(request, rendering.spoken(content), person)
    messages = page_texts.text(language, f"messages.{allowed.channel}")
    text = page_texts.text(language, "confirm.channel", messages=messages)
    if request.method == "POST":
        allowed = allowing.confirm(token, _origin(request, language, text))
    return _answer(request, content, language, text, allowed)


@public
def confirm_address(request: HttpRequest, token: str) -> HttpResponse:
    """The page of the link that asks whether an address is somebody's."""
    added = new_addresses.look(token)
    content = landing_pages.built_in_content(LandingPage.Kind.PREFERENCES)
    language = rendering.page_language(
        request, rendering.spoken(content), added.mail.language
    )
    text = page_texts.text(
        language,
        "confirm.address",
        address=masked(added.channel, added.address),
        messages=page_texts.text(language, f"messages.{added.channel}"),
    )
    if request.method == "POST":
        added = new_addresses.confirm(token, _origin(request, language, text))
    return _answer(request, content, language, text, added)


def _origin(request: HttpRequest, language: str, text: str) -> Origin:
    """The proof of a confirmation: the words of its page are in no other wording."""
    visitors.require_own_page(request)
    button = page_texts.text(language, "confirm.button")
    origin = visitors.origin(request, Source.LANDING_PAGE)
    return replace(origin, note=f"“{text}” Button pressed: “{button}”")


def _answer(
    request: HttpRequest, content: Content, language: str, text: str, found: _Found
) -> HttpResponse:
    """Ask whether it is meant, or say what is true; who has confirmed is led on."""
    if found.stage == allowing.Stage.WAITING:
        return rendering.show(request, content, language, _to_confirm(text, language))
    is_done, profile_id = found.stage == allowing.Stage.DONE, found.profile.pk
    if is_done and (leads_on := _leads_on(request, language, profile_id)):
        return leads_on
    is_new = is_done or _told(request, profile_id)
    shown = _allowed(found, language, is_new=is_new)
    return rendering.show(request, content, language, shown)


def _to_confirm(text: str, language: str) -> Shown:
    return Shown(
        title=page_texts.text(language, "confirm.title"),
        body=text,
        button=page_texts.text(language, "confirm.button"),
    )


def _allowed(found: _Found, language: str, *, is_new: bool) -> Shown:
    """What is true now of the channel that a link was about, and where to change it."""
    return Shown(
        title=page_texts.text(language, f"confirm.{'done' if is_new else 'again'}"),
        state=channel_state(found.profile, found.channel, language),
        is_done=True,
        preferences_url=ways.preferences_of_anybody(Channel.EMAIL),
    )
