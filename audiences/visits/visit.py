"""Who visits which page, and what the link proves.

One statement reads the person and what the page says.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery

from audiences import landing_pages
from audiences.channels import ANY, FLAGS, Channel
from audiences.consent import Origin, Source, locks
from audiences.landing_pages import Content, ServiceOnPage
from audiences.links import Link
from audiences.links.web_addresses import went_to
from audiences.masking import masked
from audiences.models import Address, LandingPage, LandingPageVersion, Profile, Service

Kind = LandingPage.Kind
Status = LandingPage.Status


class Gone(Exception):
    """The person of the link was erased: there is nobody to act for."""


@dataclass(frozen=True)
class Visit:
    """A person on a page. Nothing in it changes; acts change the row of `profile`.

    `wording` names what the visitor saw, for the consent history. `linked` is the
    service in the link, as long as it exists. `proved` is the channel on which the link
    may start messages: its own, when it is fresh and went to the address that is the
    primary one now; else empty.
    """

    link: Link
    content: Content
    wording: str
    profile: Profile
    address: str = ""
    linked: ServiceOnPage | None = None
    proved: str = ""

    @property
    def shows(self) -> bool:
        """Whether the page may show what is known of the person.

        Whoever has a key of before can make a link for everybody.
        """
        return self.link.is_strong

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

    @property
    def stops_all_addresses(self) -> bool:
        """Whether opting out here is about every address that the person has."""
        return self.kind == Kind.DENYLIST or self.content["stops_address"]

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

        Only somebody who acts on a page has seen its wording; and what a note quotes,
        such as the button of an undo, is not in it.
        """
        saw_page = origin.source == Source.LANDING_PAGE and not origin.note
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
    is_theirs = _went_to_primary(link, facts)
    return Visit(
        link,
        content or landing_pages.built_in_content(kind),
        f"{link.page}/{number}" if content else landing_pages.built_in_name(kind),
        profile,
        _shown_address(link, facts, is_theirs=is_theirs),
        _linked(link, facts),
        link.sent_on if is_theirs and link.is_fresh else "",
    )


_COLUMNS = (*FLAGS.values(), "first_name", "last_name", "language", "country")


def _beside(link: Link) -> dict[str, Subquery]:
    """What is read beside the profile; the less, the quicker the one-click POST."""
    address = Address.objects.filter(
        profile=OuterRef("pk"), channel=link.channel, is_primary=True
    )
    found = {"shown_address": Subquery(address.values("value"))}
    if link.sent_to:
        primary = Address.objects.filter(
            profile=OuterRef("pk"),
            channel=link.sent_on,
            is_primary=True,
            is_valid=True,
        )
        found["primary_key"] = Subquery(primary.values("key"))
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


def _went_to_primary(link: Link, facts: dict[str, Any]) -> bool:
    key = facts.get("primary_key")
    return key is not None and went_to(link.sent_to, link.sent_on, key)


def _shown_address(link: Link, facts: dict[str, Any], *, is_theirs: bool) -> str:
    """The masked address, for those only who may have got the link there."""
    if not link.is_strong or (link.sent_to and not is_theirs):
        return ""
    return masked(link.channel, facts["shown_address"] or "")


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
