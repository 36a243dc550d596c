"""Choosing by the boxes of a page (P2): which changes ticks mean, and making them.

While "any" is set nothing is shown as ticked. Ticking a channel then clears "any" and
sets the flag of every channel that is not ticked, offered on the page or not. Otherwise
only the channels that the page offers change.

A link starts messages on the channel that it proves, and on no other: these are asked
for at the address that they are about.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from audiences import consent, fields, subscriptions
from audiences.channels import ANY, Channel
from audiences.consent import Kind, Origin, Recorded
from audiences.models import LandingPage, OwnField, Profile, Service
from audiences.signups import allowing
from audiences.signups.allowing import Answer
from audiences.subscriptions import ServiceClosed, writing
from audiences.suppression.restriction import Restricted, is_restricted
from audiences.visits import wishing
from audiences.visits.opting_out import stop_addresses
from audiences.visits.standing import Boxes, Done, Standing, standing_of
from audiences.visits.submissions import Submission, kept, meant, stopped_since
from audiences.visits.visit import Visit
from audiences.visits.wishing import Wish

OPENING = (Kind.OPT_IN, Kind.SUBSCRIBE)


@dataclass(frozen=True)
class Change:
    """One change to make; `subject` is a scope or the id of a service.

    `asks`: it is made when the address that it is about has confirmed it.
    """

    kind: str
    subject: str | int
    asks: bool = False

    @property
    def starts(self) -> bool:
        """Whether it makes messages come that did not come before."""
        return self.kind in OPENING

    @property
    def is_about_service(self) -> bool:
        return self.kind in (Kind.SUBSCRIBE, Kind.UNSUBSCRIBE)


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


def plan(
    visit: Visit, standing: Standing, sent: Submission
) -> tuple[list[Change], Boxes]:
    """What the ticks of a visitor, or the button of the page, would change; and the
    boxes that stay as they were changed elsewhere. The profile is locked.
    """
    if visit.kind == LandingPage.Kind.SUBSCRIPTION:
        if visit.service is None or visit.service.pk in standing.subscribed:
            return [], Boxes()
        return [Change(Kind.SUBSCRIBE, visit.service.pk)], Boxes()
    offered = Boxes(
        frozenset(standing.channels(visit)),
        frozenset(service.pk for service in standing.offered),
    )
    wanted = meant(standing, offered, sent, stopped_since(visit, offered, sent))
    stays = kept(standing, offered, sent, wanted)
    elsewhere = (wanted.channels & offered.channels) - {visit.proved}
    if standing.stopped_all:
        # Nobody else's tick ends a stop of everything.
        wanted = Boxes(wanted.channels & {visit.proved}, wanted.services)
    else:
        elsewhere &= standing.out
    found = changes(standing, offered, wanted)
    direct = [
        change
        for change in found
        if change.kind != Kind.OPT_IN or change.subject not in elsewhere
    ]
    asks = [Change(Kind.OPT_IN, channel, asks=True) for channel in sorted(elsewhere)]
    return direct + asks, stays


def starts_messages(visit: Visit, planned: list[Change]) -> bool:
    """Whether changes that will be made let messages come that did not come before."""
    return bool(visit.proved) and any(change.starts for change in planned)


def choose(
    visit: Visit,
    planned: list[Change],
    details: Mapping[str, str],
    origin: Origin,
    language: str = "",
    *,
    wish: Wish | None = None,
) -> Done:
    """Make the changes; the details and all that starts messages need a proof.

    A service with double opt-in, or on another channel than the link proves, is then
    pending: a message in the language of the page asks to confirm. `wish` is how often
    messages may come, where that was changed. The caller has locked the profile.
    """
    proof = visit.proof(origin)
    wanted = [c for c in planned if visit.proved or not c.starts]
    services = _services(wanted)
    event_ids: list[int] = []
    stopped: dict[str, int] = {}
    closed: list[Service] = []
    unsent: list[Service] = []
    for change in (change for change in wanted if not change.asks):
        try:
            result = _make(visit, change, services, proof, language)
        except ServiceClosed:
            closed.append(services[int(change.subject)])
            continue
        except Restricted:
            continue
        event_ids += [result.event_id] if result.event_id else []
        unsent += [services[int(change.subject)]] if result.is_unsent else []
        if change.kind == Kind.OPT_OUT:
            stopped[str(change.subject)] = result.event_id or 0
    stopped_address = stop_addresses(visit, stopped)
    if visit.proved:
        _edit(visit.profile, details)
    wished, refused = _wish(visit, wish, origin)
    return Done(
        visit,
        standing_of(visit),
        tuple(event_ids),
        stopped_address,
        refused or len(wanted) < len(planned),
        tuple(closed),
        tuple(unsent),
        _asked(visit.profile, wanted, language),
        *wished,
    )


def _services(wanted: list[Change]) -> dict[int, Service]:
    """The services that the changes are about, as far as they are there."""
    ids = [int(change.subject) for change in wanted if change.is_about_service]
    return Service.objects.in_bulk(ids)


def _wish(
    visit: Visit, wish: Wish | None, origin: Origin
) -> tuple[wishing.Changed, bool]:
    """What became of how often messages may come, and whether that was refused.

    More than before comes only where the link proves the address.
    """
    if wish is wishing.Wish.ALL and not visit.proved:
        return ((), ()), True
    return (wishing.choose(visit, wish, origin) if wish else ((), ())), False


def _asked(
    profile: Profile, wanted: list[Change], language: str
) -> tuple[tuple[str, Answer], ...]:
    """Ask for other channels at their addresses, after all changes of the act."""
    channels = [str(change.subject) for change in wanted if change.asks]
    return tuple(
        (channel, allowing.ask(profile, channel, language=language))
        for channel in channels
    )


def _make(
    visit: Visit,
    change: Change,
    services: Mapping[int, Service],
    origin: Origin,
    language: str,
) -> Recorded:
    """One change; none of a service that is not there any more."""
    profile = visit.profile
    if not change.is_about_service:
        is_out = change.kind == Kind.OPT_OUT
        scope = str(change.subject)
        return consent.change_flag(profile, scope, opted_out=is_out, origin=origin)
    service = services.get(int(change.subject))
    if service is None:
        return Recorded(False)
    if change.kind == Kind.SUBSCRIBE:
        return subscriptions.ask(
            profile, service, origin, language=language, proved=visit.proved
        )
    return writing.end(profile, service, origin)


def _edit(profile: Profile, details: Mapping[str, str]) -> None:
    """Correct what the person says of themselves, unless their data is restricted."""
    changed = {n: v for n, v in details.items() if v != getattr(profile, n)}
    if changed and not is_restricted(profile.pk):
        Profile.objects.filter(pk=profile.pk).update(**changed)


def edit_own(visit: Visit, values: Mapping[OwnField, fields.Value | None]) -> None:
    """Take over what the person says in own fields: with a proof, as other details.

    The caller has locked the profile. Restricted data stays as it is.
    """
    if visit.proved and values and not is_restricted(visit.profile.pk):
        fields.set_values(visit.profile, values)
