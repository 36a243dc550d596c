"""The status of a subscription after each event, and who has an active one."""

from datetime import datetime, timedelta

from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.lookups import Exact
from django.utils.translation import gettext as _

from audiences import consent
from audiences.channels import ANY_FLAG, Channel, flag_name
from audiences.consent import Kind
from audiences.models import ConsentEvent, Profile, Service, Subscription
from audiences.refusals import Refused

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


def opt_out_warning(profile: Profile, service: Service) -> str:
    if profile.no_longer_contact:
        return _("The profile is opted out of any channel: nothing reaches it.")
    if getattr(profile, flag_name(service.channel)):
        return _(
            "The profile is opted out of {channel}: the service does not reach it."
        ).format(channel=Channel(service.channel).label)
    return ""
