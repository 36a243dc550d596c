"""Opting out by a personal link: what one click does, on a page, by a button or mail.

In one transaction, under the lock of the profile, once. A page may also stop the
person's addresses, for other profiles that hold them (P4).
"""

from dataclasses import replace
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from audiences import consent
from audiences.channels import ANY
from audiences.consent import Kind, Origin, Source
from audiences.links import Link
from audiences.models import Address, AddressStatus, ConsentEvent, LandingPage, Service
from audiences.signals import address_stop_requested, address_stop_withdrawn
from audiences.subscriptions import writing
from audiences.visits.standing import Done, by_flags
from audiences.visits.visit import Visit, identified

# A POST that comes twice is answered like the first one, with its undo.
REPEATED_WITHIN = timedelta(hours=1)
# How long what somebody has just done can be undone.
UNDO_LIFE = timedelta(days=1)
STOPS = (Kind.OPT_OUT, Kind.UNSUBSCRIBE)
BY_VISITOR = (Source.LANDING_PAGE, Source.ONE_CLICK)


def opt_out(
    link: Link, origin: Origin, kind: str = LandingPage.Kind.UNSUBSCRIPTION
) -> Done:
    """Honour a link: one click (RFC 8058), a mail (RFC 2369), or the button of a page.

    `kind` is that of the page that the link opens. Raises Gone.
    """
    with transaction.atomic():
        return opt_out_on(identified(link, kind, lock=True), origin)


def opt_out_on(visit: Visit, origin: Origin) -> Done:
    """Opt out of what the page is about: a service, a channel, or everything.

    A service that is not there any more: of the channel of the link. The caller has
    locked the profile.
    """
    origin, service = visit.proof(origin), visit.service
    if service is None:
        return _stop(visit, origin)
    result = writing.end_by_id(
        visit.profile, service.pk, origin, message=service.farewell
    )
    events = [result.event_id] if result.event_id else []
    if not events:
        if not Service.objects.filter(pk=service.pk).exists():
            content = visit.content.copy()
            content["service"] = None
            return _stop(replace(visit, content=content, linked=None), origin)
        events = _said_again(visit, Q(service=service.pk), origin)
    return Done(visit, by_flags(visit.profile), tuple(events))


def _stop(visit: Visit, origin: Origin) -> Done:
    scope = visit.scope
    result = consent.change_flag(visit.profile, scope, opted_out=True, origin=origin)
    events = [result.event_id] if result.event_id else []
    if not result.changed:
        events = _said_again(visit, Q(channel=scope), origin)
    stopped_address = stop_addresses(visit, {scope: sum(events)})
    return Done(visit, by_flags(visit.profile), tuple(events), stopped_address)


def _said_again(visit: Visit, about: Q, origin: Origin) -> list[int]:
    """The event of the same act by the same visitor a moment ago, for its undo.

    Nobody with an old link must learn how to undo what somebody else did. While that
    one can still undo it, whoever says the same now is on record too: an undo reverses
    nothing that was said again.
    """
    events = ConsentEvent.objects.filter(about, profile=visit.profile)
    last, *before = [*events.select_related("evidence").order_by("-id")[:2], None]
    if last is None or last.kind not in STOPS:
        return []
    # An event that only said again what was so already is nobody's to undo.
    if before[0] is not None and before[0].kind == last.kind:
        return []
    if _is_repeated(last, origin):
        return [last.pk]
    if last.at > timezone.now() - UNDO_LIFE and last.source in BY_VISITOR:
        consent.record(
            visit.profile,
            Kind(last.kind),
            origin,
            scope=last.channel,
            service_id=last.service_id,
        )
    return []


def _is_repeated(last: ConsentEvent, origin: Origin) -> bool:
    """Whether the same visitor said it; one whose network is unknown is anybody."""
    evidence = getattr(last, "evidence", None)
    return bool(
        evidence
        and last.source in BY_VISITOR
        and last.at > timezone.now() - REPEATED_WITHIN
        and origin.ip
        and (evidence.ip, evidence.user_agent) == (origin.ip, origin.user_agent)
    )


def stop_addresses(visit: Visit, events: dict[str, int]) -> bool:
    """Stop the addresses of each scope, by the event that opted out (0: none did).

    Returns whether the page does that, and there was something to stop.
    """
    if not visit.content["stops_address"]:
        return False
    for scope, event_id in events.items():
        _send(address_stop_requested, visit, scope, visit.wording, event_id)
    return bool(events)


def withdraw_stop(visit: Visit, event: ConsentEvent) -> None:
    """Take back what the act of this event stopped, whatever page is there now."""
    _send(address_stop_withdrawn, visit, event.channel, event.wording_version, event.pk)


def _send(
    signal: Signal, visit: Visit, scope: str, wording: str, event_id: int
) -> None:
    """For each of the person's addresses on the channels of a scope (P3), in order."""
    slug = wording.rpartition("/")[0]
    text = f"landing page {slug}, profile {visit.link.profile_id}, event {event_id}"
    rows = _rows_of_addresses(visit, scope).values_list("channel", "key")
    for channel, key in sorted(rows):
        signal.send(
            sender=LandingPage,
            channel=channel,
            key=key,
            source=str(Source.LANDING_PAGE),
            text=text,
        )


def has_address_to_stop(visit: Visit) -> bool:
    """Whether the page would put an address on the denylist that is not there yet.

    Somebody may have opted out elsewhere before: other profiles with the same address
    still get messages then (P4).
    """
    if not visit.content["stops_address"]:
        return False
    rows = _rows_of_addresses(visit, visit.scope)
    return rows.exclude(quarantine_status=AddressStatus.DENYLISTED).exists()


def _rows_of_addresses(visit: Visit, scope: str) -> QuerySet[Address]:
    rows = Address.objects.filter(profile=visit.profile, is_valid=True)
    return rows if scope == ANY else rows.filter(channel=scope)
