"""Who visits which page, and where they stand there, before and after an act.

One statement reads the person and what the page says.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from audiences import landing_pages, subscriptions
from audiences.channels import ANY, FLAGS, Channel, flag_name
from audiences.consent import Origin, Source, locks
from audiences.landing_pages import Content, ServiceOnPage
from audiences.links import Link
from audiences.masking import masked
from audiences.models import (
    Address,
    LandingPage,
    LandingPageVersion,
    Profile,
    Service,
    Subscription,
)

Kind = LandingPage.Kind
Status = LandingPage.Status


class Gone(Exception):
    """The person of the link was erased: there is nobody to act for."""


@dataclass(frozen=True)
class Visit:
    """A person on a page. Nothing in it changes; acts change the row of `profile`.

    `wording` names what the visitor saw, for the consent history. `linked` is the
    service in the link, as long as it exists.
    """

    link: Link
    content: Content
    wording: str
    profile: Profile
    address: str = ""
    linked: ServiceOnPage | None = None

    @property
    def kind(self) -> str:
        return self.content["kind"]

    @property
    def service(self) -> ServiceOnPage | None:
        """What the page is about, if it is about one service.

        The page's own service, else that of the link. It need not exist any more.
        """
        if self.kind not in LandingPage.SERVICE_KINDS:
            return None
        own = self.content["service"]
        if own is None:
            return self.linked
        service = ServiceOnPage.of(own)
        if self.linked and self.linked.pk == service.pk:
            return replace(service, farewell=self.linked.farewell)
        return service

    @property
    def scope(self) -> str:
        """What opting out here is about, when it is not about a service."""
        return ANY if self.kind == Kind.DENYLIST else self.link.channel

    @property
    def channels(self) -> list[str]:
        """The channels with a check box, or the one that the page is about."""
        if self.kind in LandingPage.CHOICE_KINDS:
            return self.content["channels"]
        if self.kind == Kind.DENYLIST:
            return list(Channel.values)
        return [self.service.channel if self.service else self.link.channel]

    def closed_at(self, moment: datetime) -> str:
        """`scheduled` or `ended` when the page is not open, else nothing.

        Opting out is possible for ever. A page that starts messages has ended when it
        was unpublished or deleted.
        """
        if self.kind in LandingPage.OPT_OUT_KINDS:
            return ""
        return closed(self.content, moment) if self.content["slug"] else Status.ENDED

    def proof(self, origin: Origin) -> Origin:
        """The origin of an act with what the visit proves besides.

        Only somebody who acts on a page has seen its wording.
        """
        saw_page = origin.source == Source.LANDING_PAGE
        return replace(
            origin,
            wording_version=self.wording if saw_page else "",
            delivery_id=self.link.delivery_id,
        )


def identified(link: Link, kind: str, *, lock: bool = False) -> Visit:
    """The visit that a personal link makes, in one statement; raises Gone.

    A page that is not there any more is replaced by the built-in one of its kind, so
    that an opt-out is still honoured. With `lock` the caller is in a transaction, and
    what was read stays true until it ends.
    """
    rows = locks.rows_to_lock() if lock else Profile.objects.all()
    read = rows.filter(pk=link.profile_id).annotate(**_beside(link)).only(*_COLUMNS)
    profile = next(iter(read), None)
    if profile is None:
        raise Gone
    facts = vars(profile)  # with what was read beside the row, if it was asked for
    content, number = facts.get("page_content"), facts.get("page_number")
    if content and (
        content["kind"] != kind or _is_anothers(content, facts["page_made_at"], link)
    ):
        content = None  # another page has the name now: the link keeps its word
    return Visit(
        link,
        content or landing_pages.built_in_content(kind),
        f"{link.page}/{number}" if content else landing_pages.built_in_name(kind),
        profile,
        masked(link.channel, facts["shown_address"] or ""),
        _linked(link, facts),
    )


_COLUMNS = (*FLAGS.values(), "first_name", "last_name", "language", "country")


def _beside(link: Link) -> dict[str, Subquery]:
    """What is read beside the profile; the less, the quicker the one-click POST."""
    address = Address.objects.filter(
        profile=OuterRef("pk"), channel=link.channel, is_primary=True
    )
    found = {"shown_address": Subquery(address.values("value"))}
    if link.page:
        live = LandingPageVersion.objects.filter(live_pages__slug=link.page).order_by()
        found["page_content"] = Subquery(live.values("content"))
        found["page_made_at"] = Subquery(live.values("live_pages__created_at"))
        found["page_number"] = Subquery(live.values("number"))
    if link.service_id:
        service = Service.objects.filter(pk=link.service_id).order_by()
        found["service_label"] = Subquery(service.values("label"))
        found["service_texts"] = Subquery(service.values("texts"))
        found["service_farewell"] = Subquery(service.values("unsubscribed_message"))
    return found


def _linked(link: Link, facts: dict[str, Any]) -> ServiceOnPage | None:
    if not link.service_id or not facts["service_label"]:
        return None
    return ServiceOnPage(
        link.service_id,
        facts["service_label"],
        link.channel,
        facts["service_texts"],
        facts["service_farewell"],
    )


def _is_anothers(content: Content, made_at: datetime, link: Link) -> bool:
    """Whether a page about another service has got the name since the link was made."""
    own = content["service"]
    if not own or not link.service_id or own["id"] == link.service_id:
        return False
    return int(made_at.timestamp()) > link.signed_at


def closed(content: Content, moment: datetime) -> str:
    """`scheduled` or `ended` when a page is not open at a moment, else nothing."""
    status = LandingPageVersion(content=content).status_at(moment)
    return "" if status == Status.PUBLISHED else status


@dataclass(frozen=True)
class Standing:
    """What is true of a visitor at a moment, of what the page is about.

    `offered` are the services with a check box.
    """

    stopped_all: bool = False
    out: frozenset[str] = frozenset()
    subscribed: frozenset[int] = frozenset()
    pending: frozenset[int] = frozenset()
    offered: tuple[ServiceOnPage, ...] = ()

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

    `left_out`: something was not done because the link is too old. `closed` are ticked
    services that take no new subscriptions.
    """

    visit: Visit
    standing: Standing
    event_ids: tuple[int, ...] = ()
    stopped_address: bool = False
    left_out: bool = False
    closed: tuple[Service, ...] = ()


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
    rows = Subscription.objects.filter(profile=visit.profile)
    if visit.service:
        rows = rows.filter(service=visit.service.pk)
    elif visit.kind in LandingPage.CHOICE_KINDS:
        offered = _offered(visit)
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


def has_nothing_to_do(visit: Visit, standing: Standing) -> bool:
    """Whether everything that an opt-out page would stop has stopped already."""
    if visit.kind == Kind.DENYLIST:
        return standing.stopped_all
    if visit.kind != Kind.UNSUBSCRIPTION:
        return False
    if visit.service:
        return visit.service.pk not in standing.subscribed | standing.pending
    return visit.link.channel in standing.out
