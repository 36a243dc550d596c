"""Choosing by the boxes of a page: which changes they mean, and making them."""

from collections.abc import Mapping

from audiences import consent, subscriptions
from audiences.consent import Kind, Origin, Recorded
from audiences.models import LandingPage, Profile, Service
from audiences.subscriptions import ServiceClosed, writing
from audiences.visits.addresses import stop_addresses
from audiences.visits.boxes import Boxes, Change, changes, meant
from audiences.visits.standing import Done, Standing, standing_of
from audiences.visits.visit import Visit


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
