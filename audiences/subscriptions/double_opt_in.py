"""Double opt-in: pending on request, active when the person confirms (S6)."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from audiences import consent, suppression
from audiences.consent import Kind, Origin, Recorded, Source, locks
from audiences.links import BadLink, Confirmation
from audiences.links.web_addresses import went_to
from audiences.models import (
    ConsentEvent,
    ConsentEvidence,
    Profile,
    Service,
    Subscription,
)
from audiences.subscriptions.services import ServiceClosed
from audiences.subscriptions.writing import (
    Status,
    activated,
    begin,
    held_by,
    locked,
    opt_out_warning,
    pending,
    write,
)
from audiences.suppression import Lift
from audiences.suppression.restriction import is_restricted, require_free

from . import messages, telling
from .telling import Notice


# ------------------------------------------------------------------ the person asks
def request(
    profile: Profile, service: Service, origin: Origin, *, language: str = ""
) -> Recorded:
    """Subscribe at the person's own request, on a page or through another program.

    If the service requires double opt-in, the subscription is pending and a message
    asks the person to confirm it, even when the profile is opted out. Asking again
    sends the message again, within the caps. Otherwise the same as `subscribe`.
    `language` is that of the page. Raises ServiceClosed and Restricted.
    """
    with transaction.atomic():
        return ask(locked(profile, service), service, origin, language=language)


def ask(
    locked: Profile,
    service: Service,
    origin: Origin,
    *,
    language: str = "",
    made_profile: bool = False,
    proved: str = "",
) -> Recorded:
    """`request` for a profile that the caller has locked.

    `made_profile`: it exists only for this request, and is erased with it. `proved` is
    the channel at whose address the person has shown to be there; a service whose
    messages go elsewhere is confirmed there, whatever it requires.
    """
    if not service.double_opt_in and proved in ("", messages.channel_of(service)):
        return begin(locked, service, origin)
    at = timezone.now()
    held = held_by(locked, service)
    warning = opt_out_warning(locked, service)
    if held and held.status_at(at) == Status.ACTIVE:
        return Recorded(False, warning)
    require_free(locked.pk)
    if service.is_closed:
        raise ServiceClosed(service)
    event_id = _waiting_event(held, at)
    is_new = event_id is None
    if event_id is None:
        event_id = _make_pending(
            held, locked, service, origin, made_profile=made_profile
        )
    wish = telling.Request(locked.pk, service, event_id, language, str(origin.source))
    is_asked = all(telling.ask([wish]))
    return Recorded(
        is_new,
        warning,
        event_id if is_new else None,
        is_pending=True,
        is_unsent=not is_asked,
    )


def _waiting_event(held: Subscription | None, at: datetime) -> int | None:
    """The request that still awaits confirmation, if there is one."""
    if held is None or held.status_at(at) != Status.PENDING:
        return None
    return messages.last_request(held)


def _make_pending(
    held: Subscription | None,
    locked: Profile,
    service: Service,
    origin: Origin,
    *,
    made_profile: bool,
) -> int:
    now = timezone.now()
    values = pending(origin.at or now, now, made_profile=made_profile)
    write(held, locked, service, values)
    return consent.record(locked, Kind.REQUEST, origin, service_id=service.pk).pk


def confirm(confirmation: Confirmation, origin: Origin) -> Recorded:
    """Activate a pending subscription: the POST behind the link (S6).

    Confirming twice, or in two windows at once, acts once. Raises ServiceClosed, and
    BadLink when there is nothing left to confirm.
    """
    with transaction.atomic():
        rows = locks.rows_to_lock().filter(pk=confirmation.profile_id)
        locked = rows.first()
        found = Subscription.objects.filter(
            profile_id=confirmation.profile_id, service_id=confirmation.service_id
        ).select_related("service")
        held = found.first()
        if locked is None or held is None:
            raise BadLink
        service = held.service
        warning = opt_out_warning(locked, service)
        at = timezone.now()
        if held.status_at(at) == Status.ACTIVE and is_about(confirmation, held):
            return Recorded(False, warning)
        if not can_confirm(confirmation, held, at):
            raise BadLink
        if service.is_closed:
            raise ServiceClosed(service)
        write(held, locked, service, activated(service, at))
        event = consent.record(locked, Kind.CONFIRM, origin, service_id=service.pk)
        if address := messages.address_for(locked.pk, service):
            # `can_confirm`: the link went there.
            suppression.lift(address.channel, address.key, Lift.CONFIRMED)
        telling.tell([Notice("subscribed", locked.pk, service, origin.source)])
        return Recorded(True, warning, event.pk)


def is_about(confirmation: Confirmation, held: Subscription) -> bool:
    """Whether a link belongs to the latest request."""
    return messages.last_request(held) == confirmation.event_id


def was_confirmed(confirmation: Confirmation) -> bool:
    """Whether the request of a link was confirmed, whatever has happened since."""
    steps = ConsentEvent.objects.filter(
        profile_id=confirmation.profile_id,
        channel="",
        service_id=confirmation.service_id,
        pk__gt=confirmation.event_id,
    )
    following = steps.order_by("pk").values_list("kind", flat=True).first()
    return bool(following == Kind.CONFIRM)


def can_confirm(confirmation: Confirmation, held: Subscription, at: datetime) -> bool:
    """Whether a link still confirms a subscription.

    It was sent to the address that messages of the service go to now. While the
    person's data is restricted nothing confirms anything.
    """
    if _waiting_event(held, at) != confirmation.event_id:
        return False
    if is_restricted(held.profile_id):
        return False
    address = messages.address_for(held.profile_id, held.service)
    return address is not None and went_to(
        confirmation.sent_to, address.channel, address.key
    )


def confirmed_by_mail(
    locked: Profile, service: Service, asked: Origin, confirmed: Origin
) -> Recorded:
    """A request whose address a mail has already confirmed; both moments are kept."""
    held = held_by(locked, service)
    at = confirmed.at or timezone.now()
    if held and held.status_at(at) == Status.ACTIVE:
        return Recorded(False, opt_out_warning(locked, service))
    if service.is_closed:
        raise ServiceClosed(service)
    consent.record(locked, Kind.REQUEST, asked, service_id=service.pk)
    write(held, locked, service, activated(service, at))
    event = consent.record(locked, Kind.CONFIRM, confirmed, service_id=service.pk)
    telling.tell([Notice("subscribed", locked.pk, service, confirmed.source)])
    return Recorded(True, opt_out_warning(locked, service), event.pk)


def lapse(locked: Profile, held: Subscription, now: datetime) -> None:
    """End a request that was not confirmed in time, and erase its evidence.

    The bare step stays in the history; the request's ip, browser and note go.
    """
    service = held.service
    values = {"status": Status.EXPIRED, "changed_at": now, "made_profile": False}
    write(held, locked, service, values)
    steps = ConsentEvent.objects.filter(profile=locked, channel="", service=service)
    before = steps.exclude(kind=Kind.REQUEST).order_by("-id").values_list("pk")[:1]
    last = next(iter(before), (0,))[0]
    ended = list(
        steps.filter(kind=Kind.REQUEST, pk__gt=last).values_list("pk", flat=True)
    )
    consent.record(
        locked, Kind.EXPIRE, Origin(source=Source.SYSTEM, at=now), service_id=service.pk
    )
    # Last: the database lets go of evidence only once its request has expired.
    ConsentEvidence.objects.filter(event__in=ended).delete()
