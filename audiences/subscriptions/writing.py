"""Subscriptions: their only writer. Every step is in the consent history (S3).

Unsubscribing from a service leaves the profile's flags and its other subscriptions as
they are (S2). Subscribing while subscribed changes nothing (S4). Subscribing never
lifts an opt-out: it succeeds and warns.

Two ways in. `subscribe` activates at once: an operator, a command or a file acts for
the person, and after an unsubscription says why. `request` is the person's own act on a
page: where the service asks for a double opt-in, it is pending until `confirm`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import (
    DateTimeField,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences.channels import ANY_FLAG, Channel, flag_name
from audiences.consent import flags as consent
from audiences.consent.flags import (
    Kind,
    Origin,
    Result,
    Source,
)
from audiences.links.tokens import BadLink, Confirmation
from audiences.models import (
    ConsentEvent,
    ConsentEvidence,
    Profile,
    Service,
    StagedProfile,
    Subscription,
)
from audiences.refusals import Refused
from audiences.sql import statements as bulk_sql
from audiences.subscriptions import messages as subscription_messages

Status = Subscription.Status

# What the last event about a service means for the subscription.
STATUS_AFTER: dict[str, str] = {
    Kind.REQUEST: Status.PENDING,
    Kind.SUBSCRIBE: Status.ACTIVE,
    Kind.CONFIRM: Status.ACTIVE,
    Kind.UNSUBSCRIBE: Status.UNSUBSCRIBED,
    Kind.EXPIRE: Status.EXPIRED,
}


# So many subscriptions end by their date in one transaction.
EXPIRED_AT_ONCE = 50_000


class NoSuchService(Refused):
    """No service has the slug."""


class ServiceClosed(Refused):
    """The service takes no new subscriptions."""

    def __init__(self, service: Service) -> None:
        super().__init__(
            _("“{service}” is closed: it takes no new subscriptions.").format(
                service=service.label
            )
        )


class NoteNeeded(Refused):
    """Whoever revives what a person ended must say how that person asked for it."""

    def __init__(self, service: Service) -> None:
        super().__init__(
            _(
                "The person has unsubscribed from “{service}”. Subscribing them again "
                "needs a note that says how they asked for it."
            ).format(service=service.label)
        )


def active(at: datetime, prefix: str = "") -> Q:
    """Subscriptions that count at a moment: active, and not past their validity."""
    status, expires = f"{prefix}status", f"{prefix}expires_at"
    return Q(**{status: Status.ACTIVE}) & (
        Q(**{f"{expires}__isnull": True}) | Q(**{f"{expires}__gt": at})
    )


def ended() -> Q:
    """Subscriptions whose last word of the person is that they unsubscribed.

    A request that nobody has confirmed does not take it back: anybody may have made it.
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


def create_service(
    slug: str,
    *,
    label: str,
    channel: str,
    validity_days: int | None = None,
    double_opt_in: bool = False,
) -> Service:
    """Make a service; raises ValidationError when the slug is taken or malformed."""
    service = Service(
        slug=slug,
        label=label,
        channel=channel,
        validity_days=validity_days,
        double_opt_in=double_opt_in,
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
    """Make the subscription active; warns when the channel is opted out of.

    Raises ServiceClosed, and NoteNeeded when an operator, a command or an import
    revives without a note what the person has ended.
    """
    with transaction.atomic():
        return begin(_locked(profile, service), service, origin)


def begin(locked: Profile, service: Service, origin: Origin) -> Result:
    """`subscribe` of a profile that the caller has locked (`consent.lock`)."""
    at = origin.at or timezone.now()
    held = _held(locked, service)
    warning = _opt_out_warning(locked, service)
    if held and held.status_at(at) == Status.ACTIVE:
        return Result(False, warning)
    if service.is_closed:
        raise ServiceClosed(service)
    if held and consent.lacks_note(origin) and _has_ended(held):
        raise NoteNeeded(service)
    _write(held, locked, service, activated(service, at))
    event = consent.record(locked, Kind.SUBSCRIBE, origin, service=service)
    subscription_messages.tell("subscribed", locked.pk, service, origin.source)
    return Result(True, warning, event.pk)


def restore(locked: Profile, service: Service, origin: Origin) -> Result:
    """Take an unsubscription back, at once and silently, also of a closed service.

    It ends when it would have ended before.
    """
    at = origin.at or timezone.now()
    held = _held(locked, service)
    if held is None or held.status != Status.UNSUBSCRIBED:
        return Result(False)
    _write(held, locked, service, {"status": Status.ACTIVE, "changed_at": at})
    event = consent.record(locked, Kind.SUBSCRIBE, origin, service=service)
    return Result(True, event_id=event.pk)


# ------------------------------------------------------------------ the person asks
def request(
    profile: Profile, service: Service, origin: Origin, *, language: str = ""
) -> Result:
    """What the person themself asks for, on a page or through another program.

    Where the service asks for a double opt-in, the subscription is pending, and a
    message asks to confirm it, also when the profile is opted out. Asking again sends
    the message again, within the caps. Elsewhere the same as `subscribe`. `language`
    is that of the page. Raises ServiceClosed.
    """
    with transaction.atomic():
        return ask(_locked(profile, service), service, origin, language=language)


def ask(
    locked: Profile,
    service: Service,
    origin: Origin,
    *,
    language: str = "",
    made_profile: bool = False,
) -> Result:
    """`request` of a profile that the caller has locked.

    `made_profile`: it was made for this request alone, and goes with it.
    """
    if not service.double_opt_in:
        return begin(locked, service, origin)
    at = timezone.now()
    held = _held(locked, service)
    warning = _opt_out_warning(locked, service)
    if held and held.status_at(at) == Status.ACTIVE:
        return Result(False, warning)
    if service.is_closed:
        raise ServiceClosed(service)
    event_id = _waiting_event(held, at)
    is_new = event_id is None
    if event_id is None:
        event_id = _make_pending(
            held, locked, service, origin, made_profile=made_profile
        )
    subscription_messages.ask(locked.pk, service, event_id, language)
    return Result(is_new, warning, event_id if is_new else None, is_pending=True)


def _waiting_event(held: Subscription | None, at: datetime) -> int | None:
    """The request that still waits for its confirmation, if there is one."""
    if held is None or held.status_at(at) != Status.PENDING:
        return None
    return subscription_messages.last_request(held)


def _make_pending(
    held: Subscription | None,
    locked: Profile,
    service: Service,
    origin: Origin,
    *,
    made_profile: bool,
) -> int:
    at = origin.at or timezone.now()
    days = settings.PENDING_SUBSCRIPTION_DAYS
    values = {
        "status": Status.PENDING,
        "changed_at": at,
        "expires_at": timezone.now() + timedelta(days=days),
        "made_profile": made_profile,
    }
    _write(held, locked, service, values)
    return consent.record(locked, Kind.REQUEST, origin, service=service).pk


def confirm(confirmation: Confirmation, origin: Origin) -> Result:
    """Activate a pending subscription: the POST behind the link (S6).

    Confirming twice, or in two windows at once, acts once. Raises BadLink when there
    is nothing to confirm any more, and ServiceClosed.
    """
    with transaction.atomic():
        rows = consent.rows_to_lock().filter(pk=confirmation.profile_id)
        locked = rows.first()
        found = Subscription.objects.filter(
            profile_id=confirmation.profile_id, service_id=confirmation.service_id
        ).select_related("service")
        held = found.first()
        if locked is None or held is None:
            raise BadLink
        service = held.service
        warning = _opt_out_warning(locked, service)
        at = timezone.now()
        if held.status_at(at) == Status.ACTIVE and is_about(confirmation, held):
            return Result(False, warning)
        if not can_confirm(confirmation, held, at):
            raise BadLink
        if service.is_closed:
            raise ServiceClosed(service)
        _write(held, locked, service, activated(service, at))
        event = consent.record(locked, Kind.CONFIRM, origin, service=service)
        subscription_messages.tell("subscribed", locked.pk, service, origin.source)
        return Result(True, warning, event.pk)


def is_about(confirmation: Confirmation, held: Subscription) -> bool:
    """Whether a link is that of the last request."""
    return subscription_messages.last_request(held) == confirmation.event_id


def can_confirm(confirmation: Confirmation, held: Subscription, at: datetime) -> bool:
    """Whether a link still confirms a subscription."""
    return _waiting_event(held, at) == confirmation.event_id


def confirmed_by_mail(
    locked: Profile, service: Service, asked: Origin, confirmed: Origin
) -> Result:
    """A request whose address a mail has confirmed already; both moments stay."""
    held = _held(locked, service)
    at = confirmed.at or timezone.now()
    if held and held.status_at(at) == Status.ACTIVE:
        return Result(False, _opt_out_warning(locked, service))
    if service.is_closed:
        raise ServiceClosed(service)
    consent.record(locked, Kind.REQUEST, asked, service=service)
    _write(held, locked, service, activated(service, at))
    event = consent.record(locked, Kind.CONFIRM, confirmed, service=service)
    subscription_messages.tell("subscribed", locked.pk, service, confirmed.source)
    return Result(True, _opt_out_warning(locked, service), event.pk)


# ------------------------------------------------------------------ the end
def unsubscribe(profile: Profile, service: Service, origin: Origin) -> Result:
    """End the subscription, if it is active or pending."""
    with transaction.atomic():
        return end(consent.lock(profile, "pk"), service, origin)


def end(locked: Profile, service: Service, origin: Origin) -> Result:
    """`unsubscribe` of a profile that the caller has locked (`consent.lock`)."""
    at = origin.at or timezone.now()
    held = Subscription.objects.filter(profile=locked, service=service)
    # A mere request that ends is no goodbye. (Most services say nothing: not asked.)
    silent = service.unsubscribed_message == Service.Confirms.NONE
    was_active = not silent and held.filter(status=Status.ACTIVE).exists()
    changed = held.filter(status__in=[Status.ACTIVE, Status.PENDING]).update(
        status=Status.UNSUBSCRIBED, changed_at=at
    )
    if not changed:
        return Result(False)
    event = consent.record(locked, Kind.UNSUBSCRIBE, origin, service=service)
    if was_active:
        subscription_messages.tell("unsubscribed", locked.pk, service, origin.source)
    return Result(True, event_id=event.pk)


def expire(now: datetime | None = None) -> int:
    """End what has passed its validity, set-based; returns how many ended.

    Nothing waits for this: whoever reads subscriptions looks at the date (`active`).
    Each step is written down for the moment at which it happened.
    """
    at = now or timezone.now()
    origin = Origin(source=Source.SYSTEM, at=at)
    due = Subscription.objects.filter(status=Status.ACTIVE, expires_at__lte=at)
    total = 0
    for service in Service.objects.filter(pk__in=due.values("service_id")):
        rows = due.filter(service=service)
        while True:
            with transaction.atomic():
                some = rows.order_by("profile_id").values("profile_id")
                chosen = list(
                    some.values_list("profile_id", flat=True)[:EXPIRED_AT_ONCE]
                )
                if not chosen:
                    break
                span = {"pk__gte": chosen[0], "pk__lte": chosen[-1]}
                consent.stage(Profile.objects.filter(pk__in=some), **span)
                # What another writer renewed while the locks were waited for.
                renewed = StagedProfile.objects.exclude(id__in=some)
                count = consent.unstage(renewed.values("id"))
                ended = rows.filter(profile_id=OuterRef("id")).values("expires_at")
                consent.record_staged(
                    Kind.EXPIRE, origin, service=service, at=Subquery(ended[:1])
                )
                rows.filter(profile_id__in=StagedProfile.objects.values("id")).update(
                    status=Status.EXPIRED, changed_at=F("expires_at")
                )
                total += count
    return total


def lapse(locked: Profile, held: Subscription, now: datetime) -> None:
    """End a request that nobody confirmed in time, and erase the proof of it.

    The bare step stays in the history; ip, browser and note of the request go.
    """
    service = held.service
    values = {"status": Status.EXPIRED, "changed_at": now, "made_profile": False}
    _write(held, locked, service, values)
    steps = ConsentEvent.objects.filter(profile=locked, channel="", service=service)
    before = steps.exclude(kind=Kind.REQUEST).order_by("-id").values_list("pk")[:1]
    last = next(iter(before), (0,))[0]
    ConsentEvidence.objects.filter(
        event__in=steps.filter(kind=Kind.REQUEST, pk__gt=last)
    ).delete()
    consent.record(
        locked, Kind.EXPIRE, Origin(source=Source.SYSTEM, at=now), service=service
    )


# ------------------------------------------------------------------ many at once
def subscribe_all(profiles: QuerySet[Profile], service: Service, origin: Origin) -> int:
    """`subscribe` for a queryset, set-based; returns how many profiles changed.

    Where a note is needed and missing, whoever has unsubscribed is left out.
    """
    if service.is_closed:
        raise ServiceClosed(service)
    at = origin.at or timezone.now()
    held = Subscription.objects.filter(service=service)
    left_out = active(at)
    if consent.lacks_note(origin):
        left_out |= ended()
    with transaction.atomic():
        consent.stage(profiles)
        count = consent.unstage(held.filter(left_out).values("profile_id"))
        if count:
            ids = StagedProfile.objects.values("id")
            values = activated(service, at)
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


def write_steps(
    new: Sequence[Subscription],
    changed: Sequence[Subscription],
    steps: Sequence[consent.Step],
    origin: Origin,
) -> None:
    """Write rows and their steps, which an import has worked out from locked rows."""
    columns = ["profile_id", "service_id", "status", "changed_at", "expires_at"]
    bulk_sql.bulk_insert(
        Subscription,
        columns,
        ([getattr(row, name) for name in columns] for row in new),
    )
    bulk_sql.bulk_update(Subscription, columns[2:], changed)
    consent.record_steps(steps, origin)


# ------------------------------------------------------------------ the row
def _locked(profile: Profile, service: Service) -> Profile:
    return consent.lock(profile, ANY_FLAG, flag_name(service.channel))


def _held(locked: Profile, service: Service) -> Subscription | None:
    return Subscription.objects.filter(profile=locked, service=service).first()


def _has_ended(held: Subscription) -> bool:
    return Subscription.objects.filter(ended(), pk=held.pk).exists()


def _write(
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


def _opt_out_warning(profile: Profile, service: Service) -> str:
    if profile.no_longer_contact:
        return _("The profile is opted out of any channel: nothing reaches it.")
    if getattr(profile, flag_name(service.channel)):
        return _(
            "The profile is opted out of {channel}: the service does not reach it."
        ).format(channel=Channel(service.channel).label)
    return ""
