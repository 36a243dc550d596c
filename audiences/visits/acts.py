"""What a POST does: in one transaction, under the lock of the profile, once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from audiences import consent, subscriptions
from audiences.channels import ANY, Channel, flag_name
from audiences.consent import Kind, Origin, Source
from audiences.models import ConsentEvent, LandingPage, Profile, Service
from audiences.subscriptions import ServiceClosed, writing
from audiences.visits.addresses import stop_addresses
from audiences.visits.choices import Boxes, Change, Present, changes, meant
from audiences.visits.identified import Visit

# A POST that comes twice is answered like the first one, with its undo.
REPEATED_WITHIN = timedelta(hours=1)
BY_VISITOR = (Source.LANDING_PAGE, Source.ONE_CLICK)


@dataclass
class Done:
    """What an act has changed, and what it left undone because the link is too old."""

    event_ids: list[int] = field(default_factory=list)
    stopped_address: bool = False
    left_out: bool = False
    # Services that were ticked and take no new subscriptions.
    closed: list[Service] = field(default_factory=list)


def present(visit: Visit) -> Present:
    """The state of the visitor's profile, as it was read."""
    profile = visit.profile
    assert profile is not None  # noqa: S101
    return Present(
        profile.no_longer_contact,
        frozenset(c for c in Channel.values if getattr(profile, flag_name(c))),
        frozenset(visit.subscribed or ()),
    )


def opt_out(visit: Visit, origin: Origin) -> Done:
    """Opt out of what the page is about: a service, a channel, or everything.

    A service that is not there any more: of the channel of the link.
    """
    profile, service = visit.profile, visit.service
    assert profile is not None  # noqa: S101
    if visit.kind == LandingPage.Kind.DENYLIST:
        return _stop(visit, ANY, origin)
    if service is None:
        return _stop(visit, visit.link.channel, origin)
    result = writing.end(profile, service, origin)
    visit.subscribed = set()
    if result.event_id:
        return Done([result.event_id])
    if not Service.objects.filter(pk=service.pk).exists():
        visit.content = {**visit.content, "service": None}
        visit.label = ""
        return _stop(visit, visit.link.channel, origin)
    return Done(_just_done(visit, Q(service=service), origin))


def _stop(visit: Visit, scope: str, origin: Origin) -> Done:
    profile = visit.profile
    assert profile is not None  # noqa: S101
    result = consent.change_flag(profile, scope, opted_out=True, origin=origin)
    done = Done([result.event_id] if result.event_id else [])
    if not result.changed:
        done.event_ids = _just_done(visit, Q(channel=scope), origin)
    if visit.content["stops_address"]:
        stop_addresses(visit, {scope: sum(done.event_ids)})
        done.stopped_address = True
    return done


def _just_done(visit: Visit, about: Q, origin: Origin) -> list[int]:
    """The event of the same act by the same visitor a moment ago, for its undo.

    Whoever has an old link must not learn how to undo what somebody else did. A visitor
    whose network is not known could be anybody.
    """
    events = ConsentEvent.objects.filter(about, profile=visit.profile)
    last = events.select_related("evidence").order_by("-id").first()
    evidence = getattr(last, "evidence", None)
    same = (
        last
        and evidence
        and last.kind in (Kind.OPT_OUT, Kind.UNSUBSCRIBE)
        and last.source in BY_VISITOR
        and last.at > timezone.now() - REPEATED_WITHIN
        and origin.ip
        and (evidence.ip, evidence.user_agent) == (origin.ip, origin.user_agent)
    )
    return [last.pk] if same and last else []


def choose(
    visit: Visit, planned: Iterable[Change], origin: Origin, language: str = ""
) -> Done:
    """Make the changes; those that start messages need a fresh link.

    A service with double opt-in is then pending: a message in the language of the page
    asks to confirm.
    """
    profile = visit.profile
    assert profile is not None  # noqa: S101
    done = Done()
    services = {s.pk: s for s in [*visit.services, visit.service] if s}
    existing = Service.objects.in_bulk(list(services))
    stopped: dict[str, int] = {}
    for change in planned:
        if change.starts and not visit.link.is_fresh:
            done.left_out = True
            continue
        result = consent.Recorded(False)
        if change.kind in (Kind.OPT_IN, Kind.OPT_OUT):
            is_out = change.kind == Kind.OPT_OUT
            result = consent.change_flag(
                profile, str(change.subject), opted_out=is_out, origin=origin
            )
            if is_out:
                stopped[str(change.subject)] = result.event_id or 0
        elif service := existing.get(int(change.subject)):
            if change.kind == Kind.SUBSCRIBE:
                result = _ask(done, profile, service, origin, language)
            else:
                result = writing.end(profile, service, origin)
        if result.event_id:
            done.event_ids.append(result.event_id)
    if stopped and visit.content["stops_address"]:
        stop_addresses(visit, stopped)
        done.stopped_address = True
    return done


def _ask(
    done: Done, profile: Profile, service: Service, origin: Origin, language: str
) -> consent.Recorded:
    try:
        return subscriptions.ask(profile, service, origin, language=language)
    except ServiceClosed:
        done.closed.append(service)
        return consent.Recorded(False)


def plan(visit: Visit, ticked: Boxes, shown: Boxes) -> list[Change]:
    """What the ticks of a visitor would change; the profile is locked.

    `shown` are the boxes that were ticked when the form was made.
    """
    offered = Boxes(frozenset(visit.channels), frozenset(s.pk for s in visit.services))
    state = present(visit)
    return changes(state, offered, meant(state, offered, ticked, shown))


def plan_subscription(visit: Visit) -> list[Change]:
    """What the button of a subscription page would change."""
    service = visit.service
    if service is None or service.pk in (visit.subscribed or ()):
        return []
    return [Change(Kind.SUBSCRIBE, service.pk)]


def edit(visit: Visit, facts: dict[str, str]) -> None:
    """Write the details that the visitor changed; only a fresh link may."""
    profile = visit.profile
    assert profile is not None  # noqa: S101
    changed = {n: v for n, v in facts.items() if v != getattr(profile, n)}
    if changed and visit.link.is_fresh:
        Profile.objects.filter(pk=profile.pk).update(**changed)
        for name, value in changed.items():
            setattr(profile, name, value)
