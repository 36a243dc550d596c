"""Behind the link in the mail that asks whether a sign-up is meant (S6)."""

from dataclasses import replace

from django.http import HttpRequest, HttpResponse

from audiences.channels import Channel
from audiences.consent import Source
from audiences.links import BadLink, Link
from audiences.masking import masked
from audiences.signups import confirming, requesting
from audiences.signups.confirming import Confirmed
from audiences.visits.standing import standing_of
from audiences.visits.visit import Gone, Visit
from audiences.wording import page_texts

from . import outcomes, rendering, visitors, ways
from .middleware import public
from .rendering import Shown, filled, texts_of
from .state_lines import asked_for, asked_lines, became_of, state
from .unidentified import messages_of


@public
def confirm_signup(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Behind the link of a sign-up mail: GET shows a button, POST confirms (S6)."""
    asked = requesting.read_confirmation(token)
    if asked.version.page_slug != slug:
        raise BadLink
    content = asked.version.content
    language = rendering.page_language(
        request, rendering.spoken(content), asked.language
    )
    if request.method == "POST":
        visitors.require_own_page(request)
        origin = visitors.origin(request, Source.LANDING_PAGE)
        done = confirming.confirm_signup(token, origin)
        address = masked(Channel.EMAIL, asked.email)
        if leads_on := _leads_on(request, language, done, address):
            return leads_on
        shown = _confirmed(done, language, address)
    elif asked.confirmed_at:
        done, address = confirming.used(asked), ""
        if told := outcomes.read(request, asked.profile_id):
            address, answers = told["address"], outcomes.answers(told["asked"])
            done = replace(done, is_first=True, asked=answers)
        shown = _confirmed(done, language, address)
    else:
        shown = Shown(
            title=page_texts.text(language, "confirm.title"),
            body=page_texts.text(
                language, "confirm.signup", address=masked(Channel.EMAIL, asked.email)
            ),
            asks=asked_for(asked, language),
            button=page_texts.text(language, "confirm.button"),
        )
    return rendering.show(request, content, language, shown)


def _leads_on(
    request: HttpRequest, language: str, done: Confirmed, address: str
) -> HttpResponse | None:
    """To the page that says that it is confirmed, after the form of the page."""
    if not (done.profile and done.is_first):
        return None
    data = visitors.posted(request)
    facts = {"address": address, **outcomes.of_asked(done.asked)}
    return outcomes.leads_on(request, data, language, facts, done.profile.pk)


def _confirmed(done: Confirmed, language: str, address: str) -> Shown:
    """What is true now; of a link that was used before, of what it asked for alone."""
    if done.profile is None:
        raise Gone
    link, version = Link(done.profile.pk), done.version
    visit = Visit(link, version.content, version.name, done.profile)
    standing = standing_of(visit)
    if not done.is_first:
        return Shown(
            title=page_texts.text(language, "confirm.again"),
            state=became_of(done.request, done.profile.pk, standing, language),
            is_done=True,
            preferences_url=ways.preferences_of_anybody(Channel.EMAIL),
        )
    html = texts_of(visit.content, language)["html"]["confirmation"]
    return Shown(
        title=page_texts.text(language, "confirm.done"),
        body=filled(
            html, messages=messages_of(visit.content, language), address=address
        ),
        about=page_texts.text(language, "page.about_address", address=address),
        notices=asked_lines(done.asked, language),
        state=state(visit, standing, language),
        is_done=True,
        preferences_url=ways.preferences_of_anybody(Channel.EMAIL),
    )
