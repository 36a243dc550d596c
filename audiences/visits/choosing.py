"""Choosing by the boxes of a page (P2): which changes ticks mean, and making them.

While "any" is set nothing is shown as ticked. Ticking a channel then clears "any" and
sets the flag of every channel that is not ticked, offered on the page or not. Otherwise
only the channels that the page offers change.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from audiences import consent, subscriptions
from audiences.channels import ANY, Channel
from audiences.consent import Kind, Origin, Recorded
from audiences.models import LandingPage, Profile, Service
from audiences.subscriptions import ServiceClosed, writing
from audiences.visits.opting_out import stop_addresses
from audiences.visits.visit import Done, Standing, Visit, standing_of

OPENING = (Kind.OPT_IN, Kind.SUBSCRIBE)


@dataclass(frozen=True)
class Boxes:
    """Boxes of channels (codes) and of services (ids): those offered, those ticked."""

    channels: frozenset[str] = frozenset()
    services: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Change:
    """One change to make; `subject` is a scope or the id of a service."""

    kind: str
    subject: str | int

    @property
    def starts(self) -> bool:
        """Whether it makes messages come that did not come before."""
        return self.kind in OPENING

    @property
    def is_about_service(self) -> bool:
        return self.kind in (Kind.SUBSCRIBE, Kind.UNSUBSCRIBE)


def meant(standing: Standing, offered: Boxes, ticked: Boxes, shown: Boxes) -> Boxes:
    """The ticks without those that came with an old form and are not true any more.

    Anyone who opted out in another tab, or by the button of a mail client, has not
    asked for messages by a box that the page had ticked (GDPR 4(11): a clear act).
    """
    old_channels = shown.channels - {*standing.ticked_channels(offered.channels)}
    old_services = shown.services - {*standing.ticked_services(offered.services)}
    return Boxes(ticked.channels - old_channels, ticked.services - old_services)


def changes(standing: Standing, offered: Boxes, ticked: Boxes) -> list[Change]:
    """What must change so that the state is what was ticked; opt-outs come first."""
    channels = ticked.channels & offered.channels
    services = ticked.services & offered.services
    if standing.stopped_all:
        found = _after_stopping_all(standing, channels)
        # Nothing was shown as ticked: only ticks say something about services then.
        ended = standing.subscribed & offered.services - services if channels else set()
    else:
        found = _channel_changes(standing, offered.channels, channels)
        ended = standing.subscribed & offered.services - services
    found += [Change(Kind.UNSUBSCRIBE, service) for service in sorted(ended)]
    begun = services - standing.subscribed
    found += [Change(Kind.SUBSCRIBE, service) for service in sorted(begun)]
    return sorted(found, key=lambda change: change.starts)


def _channel_changes(
    standing: Standing, offered: Collection[str], ticked: Collection[str]
) -> list[Change]:
    out = [c for c in Channel.values if c in offered and c not in ticked]
    into = [c for c in Channel.values if c in offered and c in ticked]
    return [
        *(Change(Kind.OPT_OUT, c) for c in out if c not in standing.out),
        *(Change(Kind.OPT_IN, c) for c in into if c in standing.out),
    ]


def _after_stopping_all(standing: Standing, ticked: Collection[str]) -> list[Change]:
    if not ticked:
        return []
    found = _channel_changes(standing, Channel.values, ticked)
    return [*found, Change(Kind.OPT_IN, ANY)]


def plan(visit: Visit, standing: Standing, ticked: Boxes, shown: Boxes) -> list[Change]:
    """What the ticks of a visitor, or the button of the page, would change.

    `shown` are the boxes that were ticked when the form was made. The profile is
    locked.
    """
    if visit.kind == LandingPage.Kind.SUBSCRIPTION:
        if visit.service is None or visit.service.pk in standing.subscribed:
            return []
        return [Change(Kind.SUBSCRIBE, visit.service.pk)]
    offered = Boxes(
        frozenset(visit.channels), frozenset(service.pk for service in standing.offered)
    )
    return changes(standing, offered, meant(standing, offered, ticked, shown))


def starts_messages(visit: Visit, planned: list[Change]) -> bool:
    """Whether changes that will be made let messages come that did not come before."""
    return visit.link.is_fresh and any(change.starts for change in planned)


def choose(
    visit: Visit,
    planned: list[Change],
    details: Mapping[str, str],
    origin: Origin,
    language: str = "",
) -> Done:
    """Make the changes; those that start messages, and details, need a fresh link.

    A service with double opt-in is then pending: a message in the language of the page
    asks to confirm. The caller has locked the profile.
    """
    origin, profile = visit.proof(origin), visit.profile
    wanted = [c for c in planned if visit.link.is_fresh or not c.starts]
    ids = [int(change.subject) for change in wanted if change.is_about_service]
    services = Service.objects.in_bulk(ids)
    event_ids: list[int] = []
    stopped: dict[str, int] = {}
    closed: list[Service] = []
    for change in wanted:
        try:
            result = _make(profile, change, services, origin, language)
        except ServiceClosed:
            closed.append(services[int(change.subject)])
            continue
        event_ids += [result.event_id] if result.event_id else []
        if change.kind == Kind.OPT_OUT:
            stopped[str(change.subject)] = result.event_id or 0
    stopped_address = stop_addresses(visit, stopped)
    if visit.link.is_fresh:
        _edit(profile, details)
    return Done(
        visit,
        standing_of(visit),
        tuple(event_ids),
        stopped_address,
        len(wanted) < len(planned),
        tuple(closed),
    )


def _make(
    profile: Profile,
    change: Change,
    services: Mapping[int, Service],
    origin: Origin,
    language: str,
) -> Recorded:
    """One change; none of a service that is not there any more."""
    if not change.is_about_service:
        is_out = change.kind == Kind.OPT_OUT
        scope = str(change.subject)
        return consent.change_flag(profile, scope, opted_out=is_out, origin=origin)
    service = services.get(int(change.subject))
    if service is None:
        return Recorded(False)
    if change.kind == Kind.SUBSCRIBE:
        return subscriptions.ask(profile, service, origin, language=language)
    return writing.end(profile, service, origin)


def _edit(profile: Profile, details: Mapping[str, str]) -> None:
    changed = {n: v for n, v in details.items() if v != getattr(profile, n)}
    if changed:
        Profile.objects.filter(pk=profile.pk).update(**changed)
