"""Subscriptions: their only writer. Every step is in the consent history (S3).

Unsubscribing from a service leaves the profile's flags and its other subscriptions as
they are (S2). Subscribing while subscribed changes nothing (S4). Subscribing never
lifts an opt-out: it succeeds and warns.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import DateTimeField, F, Q, QuerySet, TextField, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from . import bulk_sql, consent
from .channels import ANY_FLAG, Channel, flag_name
from .consent import Kind, Origin, Result
from .models import Profile, Service, StagedProfile, Subscription
from .refusals import Refused

Status = Subscription.Status

# What the last event about a service means for the subscription.
STATUS_AFTER: dict[str, str] = {
    Kind.REQUEST: Status.PENDING,
    Kind.SUBSCRIBE: Status.ACTIVE,
    Kind.CONFIRM: Status.ACTIVE,
    Kind.UNSUBSCRIBE: Status.UNSUBSCRIBED,
    Kind.EXPIRE: Status.EXPIRED,
}


class NoSuchService(Refused):
    """No service has the slug."""


def active(at: datetime, prefix: str = "") -> Q:
    """Subscriptions that count at a moment: active, and not past their validity."""
    status, expires = f"{prefix}status", f"{prefix}expires_at"
    return Q(**{status: Status.ACTIVE}) & (
        Q(**{f"{expires}__isnull": True}) | Q(**{f"{expires}__gt": at})
    )


def create_service(
    slug: str, *, label: str, channel: str, validity_days: int | None = None
) -> Service:
    """Make a service; raises ValidationError when the slug is taken or malformed."""
    service = Service(
        slug=slug, label=label, channel=channel, validity_days=validity_days
    )
    service.full_clean()
    service.save()
    return service


def find_service(slug: str) -> Service:
    """The service with a slug; raises NoSuchService that lists the services."""
    service = Service.objects.filter(slug=slug).first()
    if service is None:
        known = ", ".join(
            Service.objects.order_by("slug").values_list("slug", flat=True)
        )
        raise NoSuchService(
            f"There is no service {slug!r}. "
            + (f"There are: {known}." if known else "Make one with create_service.")
        )
    return service


def subscribe(profile: Profile, service: Service, origin: Origin) -> Result:
    """Make the subscription active; warns when the channel is opted out of."""
    with transaction.atomic():
        locked = consent.lock(profile, ANY_FLAG, flag_name(service.channel))
        return begin(locked, service, origin)


def begin(locked: Profile, service: Service, origin: Origin) -> Result:
    """`subscribe` of a profile that the caller has locked (`consent.lock`)."""
    at = origin.at or timezone.now()
    now_active = Subscription.objects.filter(active(at))
    event = None
    if not now_active.filter(profile=locked, service=service).exists():
        Subscription.objects.update_or_create(
            profile=locked, service=service, defaults=_activated(service, at)
        )
        event = consent.record(locked, Kind.SUBSCRIBE, origin, service=service)
    warning = _opt_out_warning(locked, service)
    return Result(bool(event), warning, event.pk if event else None)


def unsubscribe(profile: Profile, service: Service, origin: Origin) -> Result:
    """End the subscription, if it is active or pending."""
    with transaction.atomic():
        return end(consent.lock(profile, "pk"), service, origin)


def end(locked: Profile, service: Service, origin: Origin) -> Result:
    """`unsubscribe` of a profile that the caller has locked (`consent.lock`)."""
    changed = Subscription.objects.filter(
        profile=locked, service=service, status__in=[Status.ACTIVE, Status.PENDING]
    ).update(status=Status.UNSUBSCRIBED, changed_at=origin.at or timezone.now())
    if not changed:
        return Result(False)
    event = consent.record(locked, Kind.UNSUBSCRIBE, origin, service=service)
    return Result(True, event_id=event.pk)


def subscribe_all(profiles: QuerySet[Profile], service: Service, origin: Origin) -> int:
    """`subscribe` for a queryset, set-based; returns how many profiles changed."""
    at = origin.at or timezone.now()
    held = Subscription.objects.filter(service=service)
    with transaction.atomic():
        consent.stage(profiles)
        count = consent.unstage(held.filter(active(at)).values("profile_id"))
        if count:
            ids = StagedProfile.objects.values("id")
            values = _activated(service, at)
            held.filter(profile_id__in=ids).update(**values)
            missing = StagedProfile.objects.exclude(id__in=held.values("profile_id"))
            bulk_sql.insert_select(
                Subscription,
                ["profile_id", "service_id", "status", "changed_at", "expires_at"],
                missing.order_by("id").values_list(
                    F("id"),
                    Value(service.pk),
                    Value(str(values["status"]), TextField()),
                    Value(values["changed_at"], DateTimeField()),
                    Value(values["expires_at"], DateTimeField()),
                ),
            )
            consent.record_staged(Kind.SUBSCRIBE, origin, service=service)
        return count


def unsubscribe_all(
    profiles: QuerySet[Profile], service: Service, origin: Origin
) -> int:
    """`unsubscribe` for a queryset, set-based; returns how many profiles changed."""
    running = Subscription.objects.filter(
        service=service, status__in=[Status.ACTIVE, Status.PENDING]
    )
    with transaction.atomic():
        consent.stage(profiles, pk__in=running.values("profile_id"))
        ended = StagedProfile.objects.exclude(id__in=running.values("profile_id"))
        count = consent.unstage(ended.values("id"))
        if count:
            running.filter(profile_id__in=StagedProfile.objects.values("id")).update(
                status=Status.UNSUBSCRIBED, changed_at=origin.at or timezone.now()
            )
            consent.record_staged(Kind.UNSUBSCRIBE, origin, service=service)
        return count


def _activated(service: Service, at: datetime) -> dict[str, object]:
    validity = service.validity_days
    return {
        "status": Status.ACTIVE,
        "changed_at": at,
        "expires_at": at + timedelta(days=validity) if validity else None,
    }


def _opt_out_warning(profile: Profile, service: Service) -> str:
    if profile.no_longer_contact:
        return _("The profile is opted out of any channel: nothing reaches it.")
    if getattr(profile, flag_name(service.channel)):
        return _(
            "The profile is opted out of {channel}: the service does not reach it."
        ).format(channel=Channel(service.channel).label)
    return ""
