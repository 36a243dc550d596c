"""Where a visitor stands, of what a page is about: before an act, and after it."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from audiences import subscriptions, wishes
from audiences.channels import Channel, flag_name
from audiences.landing_pages import ServiceOnPage
from audiences.models import (
    Address,
    ContactWish,
    LandingPage,
    Profile,
    Service,
    Subscription,
)
from audiences.signups.allowing import Answer
from audiences.visits.visit import Visit

Kind = LandingPage.Kind


@dataclass(frozen=True)
class Boxes:
    """Boxes of channels (codes) and of services (ids): those offered, those ticked."""

    channels: frozenset[str] = frozenset()
    services: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Standing:
    """What is true of a visitor at a moment, of what the page is about.

    `offered` are the services with a check box, `reached` the channels on which the
    person has an address, and `wishes` what they have asked for short of an opt-out;
    the last two are known where the page has boxes.
    """

    stopped_all: bool = False
    out: frozenset[str] = frozenset()
    subscribed: frozenset[int] = frozenset()
    pending: frozenset[int] = frozenset()
    offered: tuple[ServiceOnPage, ...] = ()
    reached: frozenset[str] = frozenset()
    wishes: tuple[ContactWish, ...] = ()

    def channels(self, visit: Visit) -> list[str]:
        """The channels that the page is about, as far as they reach the person.

        Somebody without any address, as in a preview, is shown all of them.
        """
        if visit.kind not in LandingPage.CHOICE_KINDS or not self.reached:
            return visit.channels
        return [channel for channel in visit.channels if channel in self.reached]

    def ticked_channels(self, offered: Collection[str]) -> list[str]:
        """The boxes of channels that are shown as ticked."""
        if self.stopped_all:
            return []
        return [channel for channel in offered if channel not in self.out]

    def ticked_services(self, offered: Collection[int]) -> list[int]:
        """The boxes of services that are shown as ticked."""
        if self.stopped_all:
            return []
        return [service for service in offered if service in self.subscribed]


@dataclass(frozen=True)
class Done:
    """What an act has changed, and where the visitor stands after it.

    `left_out`: something was not done because the link can only stop messages. `closed`
    are ticked services that take no new subscriptions, `unsent` services for which
    nobody was asked again, `asked` channels with what came of asking at their address.
    `wishes` are those that the act expressed, `wishes_ended` those that it ended.
    `kept` are boxes that were changed elsewhere after the form was made, and stayed so.
    `added` are addresses that were given, by channel as they were typed, with what came
    of asking there, and `removed` those taken away, masked.
    """

    visit: Visit
    standing: Standing
    event_ids: tuple[int, ...] = ()
    stopped_address: bool = False
    left_out: bool = False
    closed: tuple[Service, ...] = ()
    unsent: tuple[Service, ...] = ()
    asked: tuple[tuple[str, Answer], ...] = ()
    wishes: tuple[int, ...] = ()
    wishes_ended: tuple[int, ...] = ()
    kept: Boxes = Boxes()
    added: tuple[tuple[str, str, Answer], ...] = ()
    removed: tuple[tuple[str, str], ...] = ()


def by_flags(profile: Profile) -> Standing:
    """The standing by the flags alone, where no subscription matters."""
    out = frozenset(c for c in Channel.values if getattr(profile, flag_name(c)))
    return Standing(profile.no_longer_contact, out)


def standing_of(visit: Visit) -> Standing:
    """The standing of a visitor, with the subscriptions that the page is about.

    A separate statement, so that under a lock it sees what others have committed.
    """
    flags = by_flags(visit.profile)
    offered: tuple[ServiceOnPage, ...] = ()
    reached: frozenset[str] = frozenset()
    wished: tuple[ContactWish, ...] = ()
    rows = Subscription.objects.filter(profile=visit.profile)
    if visit.service:
        rows = rows.filter(service=visit.service.pk)
    elif visit.kind in LandingPage.CHOICE_KINDS:
        offered = _offered(visit)
        own = Address.objects.filter(profile=visit.profile, is_valid=True)
        reached = frozenset(own.values_list("channel", flat=True))
        wished = tuple(wishes.of_person(visit.profile.pk))
        rows = rows.filter(service__in=[service.pk for service in offered])
    else:
        return flags
    now = timezone.now()
    found = [(row.service_id, row.status_at(now)) for row in rows]
    return Standing(
        flags.stopped_all,
        flags.out,
        frozenset(pk for pk, status in found if status == Subscription.Status.ACTIVE),
        frozenset(pk for pk, status in found if status == Subscription.Status.PENDING),
        offered,
        reached,
        wished,
    )


def _offered(visit: Visit) -> tuple[ServiceOnPage, ...]:
    """The services with a check box, without those deleted since the publication.

    A closed one is there for those who have it, and one that is not for preference
    pages on other pages alone. A built-in page offers what the person is subscribed to.
    """
    active = subscriptions.active(timezone.now(), "subscriptions__")
    own = Service.objects.filter(active, subscriptions__profile=visit.profile)
    shown = Q(on_preference_page=True) if visit.kind == Kind.PREFERENCES else Q()
    if not visit.content["slug"]:
        return tuple(map(ServiceOnPage.now, own.filter(shown)))
    published = [ServiceOnPage.of(facts) for facts in visit.content["services"]]
    open_or_own = Q(is_closed=False) | Q(pk__in=own.values("pk"))
    rows = Service.objects.filter(
        open_or_own, shown, pk__in=[service.pk for service in published]
    )
    there = set(rows.values_list("pk", flat=True))
    return tuple(service for service in published if service.pk in there)


def dormant(visit: Visit) -> tuple[list[ServiceOnPage], list[ContactWish]]:
    """What is on record of somebody who has stopped everything, and has no effect."""
    active = subscriptions.active(timezone.now(), "subscriptions__")
    held = Service.objects.filter(active, subscriptions__profile=visit.profile)
    services = [ServiceOnPage.now(service) for service in held.order_by("label")]
    return services, wishes.of_person(visit.profile.pk)


def has_nothing_to_do(visit: Visit, standing: Standing) -> bool:
    """Whether everything that an opt-out page would stop has stopped already."""
    if visit.kind == Kind.DENYLIST:
        return standing.stopped_all
    if visit.kind != Kind.UNSUBSCRIPTION:
        return False
    if visit.service:
        return visit.service.pk not in standing.subscribed | standing.pending
    return visit.link.channel in standing.out
