"""Subscriptions: their only writer. Every step is in the consent history (S3).

Unsubscribing from a service leaves the profile's flags and its other subscriptions as
they are (S2). Subscribing while subscribed changes nothing (S4). Subscribing never
lifts an opt-out: it succeeds and warns.

There are two ways in. `subscribe` activates at once: an operator, a command or a file
acts for the person, and must say why after an unsubscription. `request` is the person's
own act on a page: if the service requires double opt-in, it is pending until `confirm`.
"""

from django.db import transaction
from django.utils import timezone

from audiences import consent
from audiences.consent import Kind, Origin, Recorded
from audiences.models import Profile, Service, Subscription
from audiences.subscriptions.services import ServiceClosed
from audiences.subscriptions.state import (
    NoteNeeded,
    Status,
    activated,
    has_ended,
    held_by,
    locked,
    opt_out_warning,
    write,
)

from . import messages


def subscribe(profile: Profile, service: Service, origin: Origin) -> Recorded:
    """Make the subscription active; warns when the channel is opted out of.

    Raises ServiceClosed, and NoteNeeded when an operator, a command or an import
    revives what the person has ended without a note.
    """
    with transaction.atomic():
        return begin(locked(profile, service), service, origin)


def begin(locked: Profile, service: Service, origin: Origin) -> Recorded:
    """`subscribe` for a profile that the caller has locked (`consent.lock`)."""
    at = origin.at or timezone.now()
    held = held_by(locked, service)
    warning = opt_out_warning(locked, service)
    if held and held.status_at(at) == Status.ACTIVE:
        return Recorded(False, warning)
    if service.is_closed:
        raise ServiceClosed(service)
    if held and consent.lacks_note(origin) and has_ended(held):
        raise NoteNeeded(service)
    write(held, locked, service, activated(service, at))
    event = consent.record(locked, Kind.SUBSCRIBE, origin, service=service)
    messages.tell("subscribed", locked.pk, service, origin.source)
    return Recorded(True, warning, event.pk)


def restore(locked: Profile, service: Service, origin: Origin) -> Recorded:
    """Undo an unsubscription, at once and silently, even from a closed service.

    It still ends when it would have ended.
    """
    at = origin.at or timezone.now()
    held = held_by(locked, service)
    if held is None or held.status != Status.UNSUBSCRIBED:
        return Recorded(False)
    write(held, locked, service, {"status": Status.ACTIVE, "changed_at": at})
    event = consent.record(locked, Kind.SUBSCRIBE, origin, service=service)
    return Recorded(True, event_id=event.pk)


# ------------------------------------------------------------------ the end
def unsubscribe(profile: Profile, service: Service, origin: Origin) -> Recorded:
    """End the subscription, if it is active or pending."""
    with transaction.atomic():
        return end(consent.lock(profile, "pk"), service, origin)


def end(locked: Profile, service: Service, origin: Origin) -> Recorded:
    """`unsubscribe` for a profile that the caller has locked (`consent.lock`)."""
    at = origin.at or timezone.now()
    held = Subscription.objects.filter(profile=locked, service=service)
    # The end of a mere request needs no farewell; most services send none anyway.
    silent = service.unsubscribed_message == Service.Confirms.NONE
    was_active = not silent and held.filter(status=Status.ACTIVE).exists()
    changed = held.filter(status__in=[Status.ACTIVE, Status.PENDING]).update(
        status=Status.UNSUBSCRIBED, changed_at=at
    )
    if not changed:
        return Recorded(False)
    event = consent.record(locked, Kind.UNSUBSCRIBE, origin, service=service)
    if was_active:
        messages.tell("unsubscribed", locked.pk, service, origin.source)
    return Recorded(True, event_id=event.pk)
