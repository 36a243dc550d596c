"""Behind the link of a double opt-in (S6). GET shows a button, POST confirms.

Mail scanners open links: nothing changes until the button is pressed.
"""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from audiences import consent, landing_pages, links, subscriptions
from audiences.channels import flag_name
from audiences.consent import Source
from audiences.landing_pages import Content
from audiences.links import BadLink, Confirmation, Link
from audiences.models import LandingPage, LandingPageVersion, Subscription
from audiences.subscriptions import double_opt_in
from audiences.visits.identified import closed
from audiences.wording import page_texts

from . import rendering, visitors
from .rendering import Shown

Kind = LandingPage.Kind
Status = Subscription.Status


def answer(request: HttpRequest, token: str) -> HttpResponse:
    """The page of the link; raises BadLink when there is nothing to confirm."""
    confirmation = links.read_confirmation_token(token)
    held = _held(confirmation)
    if held is None:
        raise BadLink
    content, wording = _look(held)
    language = rendering.page_language(
        request, content["languages"], held.profile.language
    )
    if request.method == "POST":
        shown = _confirm(request, confirmation, wording, language)
    else:
        shown = _before(confirmation, held, language)
    return rendering.show(request, content, language, shown)


def _held(confirmation: Confirmation) -> Subscription | None:
    rows = Subscription.objects.filter(
        profile_id=confirmation.profile_id, service_id=confirmation.service_id
    )
    return rows.select_related(
        "profile", "service__subscription_page__live_version"
    ).first()


def _look(held: Subscription) -> tuple[Content, str]:
    """The subscription page of the service, or the built-in one, and its wording."""
    page = held.service.subscription_page
    version: LandingPageVersion | None = page.live_version if page else None
    if version and version.content["kind"] == Kind.SUBSCRIPTION:
        return version.content, version.name
    kind = Kind.SUBSCRIPTION
    return landing_pages.built_in_content(kind), landing_pages.built_in_name(kind)


def _before(confirmation: Confirmation, held: Subscription, language: str) -> Shown:
    now = timezone.now()
    if double_opt_in.can_confirm(confirmation, held, now):
        if held.service.is_closed:
            return _closed(held, language)
        service = held.service.label_in(language)
        return Shown(
            title=page_texts.text(language, "confirm.title"),
            body=page_texts.text(language, "confirm.subscription", service=service),
            button=page_texts.text(language, "confirm.subscribe_button"),
        )
    is_done = held.status_at(now) == Status.ACTIVE
    if is_done and double_opt_in.is_about(confirmation, held):
        return _after(held, language, "confirm.again")
    raise BadLink


def _confirm(
    request: HttpRequest, confirmation: Confirmation, wording: str, language: str
) -> Shown:
    origin = consent.Origin(
        source=Source.LANDING_PAGE,
        ip=visitors.network_address(request),
        user_agent=visitors.user_agent(request),
        wording_version=wording,
    )
    try:
        result = subscriptions.confirm(confirmation, origin)
    except subscriptions.ServiceClosed:
        result = None
    held = _held(confirmation)
    if held is None:  # erased at this very moment
        raise BadLink
    if result is None:
        return _closed(held, language)
    which = "confirm.done" if result.changed else "confirm.again"
    return _after(held, language, which)


def _closed(held: Subscription, language: str) -> Shown:
    service = held.service.label_in(language)
    return Shown(
        title=page_texts.text(language, "confirm.title"),
        body=page_texts.text(language, "page.service_closed", service=service),
    )


def _after(held: Subscription, language: str, which: str) -> Shown:
    """What is true now; for somebody who is opted out also what to do."""
    profile, service = held.profile, held.service
    values = {
        "service": service.label_in(language),
        "messages": page_texts.text(language, f"messages.{service.channel}"),
    }
    state = "subscribed"
    if profile.no_longer_contact:
        state = "subscribed_but_any"
    elif getattr(profile, flag_name(service.channel)):
        state = "subscribed_but_channel"
    shown = Shown(
        title=page_texts.text(language, which),
        state=[page_texts.text(language, f"state.{state}", **values)],
        is_done=True,
    )
    if state != "subscribed":
        shown.preferences_url = _preferences(held)
    return shown


def _preferences(held: Subscription) -> str:
    """A personal link to a preference page, where the channel can be allowed again."""
    channel = held.service.channel
    pages = LandingPage.objects.filter(
        kind=Kind.PREFERENCES, live_version__isnull=False
    ).select_related("live_version")
    for page in pages.order_by("pk"):
        content = page.live_version.content if page.live_version else {}
        is_open = not closed(content, timezone.now())
        if is_open and channel in content["channels"]:
            kind = Kind.PREFERENCES
            return links.page_url(
                Link(held.profile_id, channel, page=page.slug, kind=kind)
            )
    return ""
