"""Confirming a subscription behind the link of a double opt-in (S6)."""

from dataclasses import dataclass, replace
from enum import Enum

from django.utils import timezone

from audiences import landing_pages, subscriptions
from audiences.consent import Origin
from audiences.landing_pages import Content, ServiceOnPage
from audiences.links import BadLink, Confirmation, read_confirmation_token
from audiences.models import LandingPage, LandingPageVersion, Subscription
from audiences.subscriptions import ServiceClosed, double_opt_in
from audiences.visits.standing import Standing, by_flags

Kind = LandingPage.Kind


class Stage(Enum):
    """How far a double opt-in has come; `CLOSED`: the service takes nobody any more."""

    WAITING = "waiting"
    DONE = "done"
    BEFORE = "before"
    CLOSED = "closed"


@dataclass(frozen=True)
class Asked:
    """What a link asks to confirm, how far that is, and the page that shows it."""

    held: Subscription
    content: Content
    wording: str
    stage: Stage

    @property
    def service(self) -> ServiceOnPage:
        return ServiceOnPage.now(self.held.service)

    @property
    def standing(self) -> Standing:
        """Where the person stands with the service now."""
        is_active = self.held.status_at(timezone.now()) == Subscription.Status.ACTIVE
        subscribed = frozenset([self.held.service_id] if is_active else [])
        return replace(by_flags(self.held.profile), subscribed=subscribed)


def look(token: str) -> Asked:
    """What a link is about; raises BadLink when there is nothing to confirm."""
    confirmation = read_confirmation_token(token)
    held = _held(confirmation)
    return Asked(held, *_page_of(held), _stage(confirmation, held))


def confirm(token: str, origin: Origin) -> Asked:
    """Confirm what a link asks; twice acts once. Raises BadLink."""
    confirmation = read_confirmation_token(token)
    page, wording = _page_of(_held(confirmation))
    try:
        result = subscriptions.confirm(
            confirmation, replace(origin, wording_version=wording)
        )
    except BadLink:
        stage = _stage(confirmation, _held(confirmation))
    except ServiceClosed:
        stage = Stage.CLOSED
    else:
        stage = Stage.DONE if result.changed else Stage.BEFORE
    return Asked(_held(confirmation), page, wording, stage)


def _held(confirmation: Confirmation) -> Subscription:
    """The subscription as it is now; raises BadLink, also after an erasure."""
    rows = Subscription.objects.filter(
        profile_id=confirmation.profile_id, service_id=confirmation.service_id
    )
    held = rows.select_related(
        "profile", "service__subscription_page__live_version"
    ).first()
    if held is None:
        raise BadLink
    return held


def _stage(confirmation: Confirmation, held: Subscription) -> Stage:
    now = timezone.now()
    if double_opt_in.can_confirm(confirmation, held, now):
        return Stage.CLOSED if held.service.is_closed else Stage.WAITING
    if double_opt_in.was_confirmed(confirmation):
        return Stage.BEFORE
    raise BadLink


def _page_of(held: Subscription) -> tuple[Content, str]:
    """The subscription page of the service, or the built-in one, and its wording."""
    page = held.service.subscription_page
    version: LandingPageVersion | None = page.live_version if page else None
    if version and version.content["kind"] == Kind.SUBSCRIPTION:
        return version.content, version.name
    kind = Kind.SUBSCRIPTION
    return landing_pages.built_in_content(kind), landing_pages.built_in_name(kind)
