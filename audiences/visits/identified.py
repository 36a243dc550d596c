"""Who visits which page: one statement reads the person and what the page says."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from audiences import landing_pages, subscriptions
from audiences.channels import FLAGS, Channel
from audiences.consent import locks
from audiences.landing_pages import Content
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


@dataclass
class Visit:
    """A visitor and a page. `profile` is None for a person who was erased.

    `wording` names what the visitor saw, for the consent history. `label` is that of
    the service in the link. `subscribed` has the ids of active subscriptions, or None
    while nobody has read them.
    """

    link: Link
    content: Content
    wording: str
    profile: Profile | None = None
    address: str = ""
    label: str = ""
    texts: dict[str, Any] = field(default_factory=dict)
    # Which message its service has after unsubscribing; empty while nobody knows.
    goodbye: str = ""
    subscribed: set[int] | None = None
    pending: set[int] = field(default_factory=set)

    @property
    def kind(self) -> str:
        return str(self.content["kind"])

    @property
    def service(self) -> Service | None:
        """What the page is about, if it is about one service.

        The page's own service, else that of the link. It need not exist any more.
        """
        if self.kind not in LandingPage.SERVICE_KINDS:
            return None
        own = self.content["service"]
        if own:
            service = _service(own)
            if service.pk == self.link.service_id:
                service.unsubscribed_message = self.goodbye
            return service
        if self.link.service_id and self.label:
            return Service(
                pk=self.link.service_id,
                label=self.label,
                channel=self.link.channel,
                texts=self.texts,
                unsubscribed_message=self.goodbye,
            )
        return None

    @property
    def services(self) -> list[Service]:
        """The services with a check box."""
        return [_service(facts) for facts in self.content["services"]]

    @property
    def channels(self) -> list[str]:
        """The channels with a check box, or the one that the page is about."""
        if self.kind in LandingPage.CHOICE_KINDS:
            return list(self.content["channels"])
        return list(Channel.values) if self.kind == Kind.DENYLIST else [self.channel]

    @property
    def channel(self) -> str:
        service = self.service
        return str(service.channel if service else self.link.channel)


def _service(facts: Content) -> Service:
    names = ("slug", "label", "channel")
    own = {name: facts[name] for name in names}
    texts = facts.get("texts", {})
    return Service(pk=facts["id"], texts=texts, unsubscribed_message="", **own)


def identified(link: Link, kind: str, *, lock: bool = False) -> Visit:
    """The visit that a personal link makes, in one statement.

    A page that is not there any more is replaced by the built-in one of its kind, so
    that an opt-out is still honoured. With `lock` the caller is in a transaction, and
    what was read stays true until it ends.
    """
    rows = locks.rows_to_lock() if lock else Profile.objects.all()
    read = rows.filter(pk=link.profile_id).annotate(**_beside(link)).only(*_COLUMNS)
    profile = next(iter(read), None)
    if profile is None:
        return Visit(link, *_page_of_nobody(link, kind))
    content, number = _given(profile, "page_content"), _given(profile, "page_number")
    if content and (content["kind"] != kind or _is_anothers(content, profile, link)):
        content = None  # another page has the name now: the link keeps its word
    return Visit(
        link,
        content or landing_pages.built_in_content(kind),
        f"{link.page}/{number}" if content else landing_pages.built_in_name(kind),
        profile=profile,
        address=masked(link.channel, _given(profile, "shown_address") or ""),
        label=_given(profile, "service_label") or "",
        texts=_given(profile, "service_texts") or {},
        goodbye=_given(profile, "service_goodbye") or "",
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
        found["service_goodbye"] = Subquery(service.values("unsubscribed_message"))
    return found


def _is_anothers(content: Content, profile: Profile, link: Link) -> bool:
    """Whether a page about another service has got the name since the link was made."""
    own = content["service"]
    if not own or not link.service_id or own["id"] == link.service_id:
        return False
    made_at: datetime = _given(profile, "page_made_at")
    return int(made_at.timestamp()) > link.signed_at


def _given(profile: Profile, name: str) -> Any:
    """A value that the query added to the row, if it was asked for."""
    return getattr(profile, name, None)


def _page_of_nobody(link: Link, kind: str) -> tuple[Content, str]:
    version = landing_pages.live(link.page) if link.page else None
    if version and version.content["kind"] == kind:
        return version.content, version.name
    return landing_pages.built_in_content(kind), landing_pages.built_in_name(kind)


def read_subscriptions(visit: Visit) -> None:
    """Read what the person is subscribed to, of what the page is about.

    A separate statement, so that under a lock it sees what others have committed.
    """
    if visit.profile is None:
        return
    rows = Subscription.objects.filter(profile=visit.profile)
    if visit.service:
        rows = rows.filter(service=visit.service)
    elif visit.kind in LandingPage.CHOICE_KINDS:
        _offer_what_there_is(visit)
        rows = rows.filter(service__in=[s.pk for s in visit.services])
    else:
        visit.subscribed = set()
        return
    now = timezone.now()
    found = list(rows)
    visit.subscribed = {s.service_id for s in found if s.status_at(now) == "active"}
    visit.pending = {s.service_id for s in found if s.status_at(now) == "pending"}


def _offer_what_there_is(visit: Visit) -> None:
    """Leave out services that were deleted since the page was published.

    A closed one is there for those who have it, and one that is not for preference
    pages on other pages alone. A built-in page offers what the person is subscribed to.
    """
    active = subscriptions.active(timezone.now(), "subscriptions__")
    own = Service.objects.filter(active, subscriptions__profile=visit.profile)
    hidden = {"on_preference_page": False} if visit.kind == Kind.PREFERENCES else {}
    if visit.content["slug"]:
        wanted = [service.pk for service in visit.services]
        open_or_own = Q(is_closed=False) | Q(pk__in=own.values("pk"))
        rows = Service.objects.filter(open_or_own, pk__in=wanted)
        rows = rows.exclude(**hidden) if hidden else rows
        there = set(rows.values_list("pk", flat=True))
        offered = [facts for facts in visit.content["services"] if facts["id"] in there]
    else:
        own = own.exclude(**hidden) if hidden else own
        offered = [landing_pages.service_facts(service) for service in own]
    visit.content = {**visit.content, "services": offered}


def closed(content: Content, moment: datetime) -> str:
    """`scheduled` or `ended` when a page is not open at a moment, else nothing."""
    status = LandingPageVersion(content=content).status_at(moment)
    return "" if status == LandingPage.Status.PUBLISHED else status
