"""Subscriptions: their only writer. Every step is in the consent history (S3).

Unsubscribing from a service leaves the profile's flags and its other subscriptions as
they are (S2). Subscribing while subscribed changes nothing (S4). Subscribing never
lifts an opt-out: it succeeds and warns.

There are two ways in. `subscribe` activates at once: an operator, a command or a file
acts for the person, and must say why after an unsubscription. `request` is the person's
own act on a page: if the service requires double opt-in, it is pending until `confirm`.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences import consent
from audiences.channels import ANY_FLAG, Channel, flag_name
from audiences.consent import Kind, Origin, Recorded
from audiences.consent.history import said_again
from audiences.models import ConsentEvent, Profile, Service, Subscription
from audiences.refusals import Refused
from audiences.subscriptions.services import ServiceClosed
from audiences.subscriptions.telling import Notice, tell, tell_by_id
from audiences.suppression.restriction import is_restricted, require_free

Status = Subscription.Status


# The status of a subscription after the latest event about its service.
STATUS_AFTER: dict[str, str] = {
    Kind.REQUEST: Status.PENDING,
    Kind.SUBSCRIBE: Status.ACTIVE,
    Kind.CONFIRM: Status.ACTIVE,
    Kind.UNSUBSCRIBE: Status.UNSUBSCRIBED,
    Kind.EXPIRE: Status.EXPIRED,
}


class NoteNeeded(Refused):
    """To revive what a person ended takes a note on how that person asked for it."""

    def __init__(self, service: Service) -> None:
        super().__init__(
            _(
                "The person has unsubscribed from “{service}”. Subscribing them again "
                "needs a note that says how they asked for it."
            ).format(service=service.label)
        )


def active(at: datetime, prefix: str = "") -> Q:
    """Subscriptions that count at a moment: active and still valid."""
    status, expires = f"{prefix}status", f"{prefix}expires_at"
    return Q(**{status: Status.ACTIVE}) & (
        Q(**{f"{expires}__isnull": True}) | Q(**{f"{expires}__gt": at})
    )


def ended() -> Q:
    """Subscriptions that the person ended, and has not asked for since.

    An unconfirmed request does not count as asking: anybody may have made it.
    """
    words = ConsentEvent.objects.filter(
        profile_id=OuterRef("profile_id"),
        channel="",
        service_id=OuterRef("service_id"),
        kind__in=[Kind.SUBSCRIBE, Kind.CONFIRM, Kind.UNSUBSCRIBE],
    )
    last = Subquery(words.order_by("-id").values("kind")[:1])
    unconfirmed = Q(status__in=[Status.PENDING, Status.EXPIRED])
    return Q(status=Status.UNSUBSCRIBED) | (
        unconfirmed & Q(Exact(last, Value(str(Kind.UNSUBSCRIBE))))
    )


# ------------------------------------------------------------------ the row
def locked(profile: Profile, service: Service) -> Profile:
    return consent.lock(profile, ANY_FLAG, flag_name(service.channel))


def held_by(locked: Profile, service: Service) -> Subscription | None:
    return Subscription.objects.filter(profile=locked, service=service).first()


def has_ended(held: Subscription) -> bool:
    return Subscription.objects.filter(ended(), pk=held.pk).exists()


def write(
    held: Subscription | None,
    locked: Profile,
    service: Service,
    values: dict[str, object],
) -> None:
    row = held or Subscription(profile=locked, service=service)
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


def activated(service: Service, at: datetime) -> dict[str, object]:
    validity = service.validity_days
    return {
        "status": Status.ACTIVE,
        "changed_at": at,
        "expires_at": at + timedelta(days=validity) if validity else None,
        "made_profile": False,
    }


def pending(
    at: datetime, now: datetime, *, made_profile: bool = False
) -> dict[str, object]:
    """Until the person confirms it, for some days from now; `at` is when they asked."""
    return {
        "status": Status.PENDING,
        "changed_at": at,
        "expires_at": now + timedelta(days=settings.PENDING_SUBSCRIPTION_DAYS),
        "made_profile": made_profile,
    }


def opt_out_warning(profile: Any, service: Service) -> str:
    """What keeps a service from somebody; of the profile its flags are needed."""
    if profile.no_longer_contact:
        return _("The profile is opted out of any channel: nothing reaches it.")
    if getattr(profile, flag_name(service.channel)):
        return _(
            "The profile is opted out of {channel}: the service does not reach it."
        ).format(channel=Channel(service.channel).label)
    return ""


# ------------------------------------------------------------------ the beginning
def subscribe(profile: Profile, service: Service, origin: Origin) -> Recorded:
    """Make the subscription active; warns when the channel is opted out of.

    Raises ServiceClosed, Restricted, and NoteNeeded when an operator, a command or an
    import revives what the person has ended without a note.
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
    require_free(locked.pk)
    if service.is_closed:
        raise ServiceClosed(service)
    if held and consent.lacks_note(origin) and has_ended(held):
        raise NoteNeeded(service)
    write(held, locked, service, activated(service, at))
    event = consent.record(locked, Kind.SUBSCRIBE, origin, service_id=service.pk)
    tell([Notice("subscribed", locked.pk, service, origin.source)])
    return Recorded(True, warning, event.pk)


def restore(locked: Profile, service: Service, origin: Origin) -> Recorded:
    """Undo an unsubscription, at once and silently, even from a closed service.

    It still ends when it would have ended.
    """
    at = origin.at or timezone.now()
    held = held_by(locked, service)
    if held is None or held.status != Status.UNSUBSCRIBED or is_restricted(locked.pk):
        return Recorded(False)
    write(held, locked, service, {"status": Status.ACTIVE, "changed_at": at})
    event = consent.record(locked, Kind.SUBSCRIBE, origin, service_id=service.pk)
    return Recorded(True, event_id=event.pk)


# ------------------------------------------------------------------ the end
def unsubscribe(profile: Profile, service: Service, origin: Origin) -> Recorded:
    """End the subscription, if it is active or pending."""
    with transaction.atomic():
        return end(consent.lock(profile, "pk"), service, origin)


def end(locked: Profile, service: Service, origin: Origin) -> Recorded:
    """`unsubscribe` of a profile that the caller has locked (`consent.lock`)."""
    message = service.unsubscribed_message
    return end_by_id(locked, service.pk, origin, message=message)


def end_by_id(
    locked: Profile, service_id: int, origin: Origin, *, message: str
) -> Recorded:
    """`end` for a caller that has not read the service, which may not exist any more.

    `message` says which one follows (`unsubscribed_message`); empty while not known.
    """
    at = origin.at or timezone.now()
    held = Subscription.objects.filter(profile=locked, service=service_id)
    # A mere request that ends is no farewell. (Most services say nothing: not asked.)
    silent = message == Service.Confirms.NONE
    was_active = not silent and held.filter(status=Status.ACTIVE).exists()
    changed = held.filter(status__in=[Status.ACTIVE, Status.PENDING]).update(
        status=Status.UNSUBSCRIBED, changed_at=at
    )
    if not changed:
        said_again(locked, Kind.UNSUBSCRIBE, origin, service_id=service_id)
        return Recorded(False)
    event = consent.record(locked, Kind.UNSUBSCRIBE, origin, service_id=service_id)
    if was_active:
        tell_by_id("unsubscribed", locked.pk, service_id, origin.source)
    return Recorded(True, event_id=event.pk)
