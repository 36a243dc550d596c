"""Confirming a sign-up: what the visitor asked for is done, once (S6)."""

from contextlib import suppress
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audiences import addresses, consent, fields, subscriptions, suppression
from audiences.channels import Channel, flag_name
from audiences.consent import Kind, Origin
from audiences.links import BadLink
from audiences.models import (
    LandingPageVersion,
    OwnField,
    Profile,
    Service,
    SignupRequest,
)
from audiences.models.landing_pages import OWN
from audiences.signups import allowing
from audiences.signups.allowing import Answer
from audiences.signups.requesting import open_requests, read_confirmation
from audiences.subscriptions import ServiceClosed, double_opt_in, messages, writing
from audiences.suppression import Lift
from audiences.suppression.restriction import is_restricted


@dataclass(frozen=True)
class Confirmed:
    """What confirming did. `profile` is None when it has been erased since.

    `is_first` is false when the link was used before: then nothing was done. `request`
    says what was asked for. `asked` are channels that another address has to confirm,
    with what came of asking there.
    """

    request: SignupRequest
    profile: Profile | None
    is_first: bool
    asked: tuple[tuple[str, Answer], ...] = ()

    @property
    def version(self) -> LandingPageVersion:
        return self.request.version


def used(request: SignupRequest) -> Confirmed:
    """What stands behind a link that was used before: who it made a subscriber."""
    profile = Profile.objects.filter(pk=request.profile_id or 0).first()
    return Confirmed(request, profile, is_first=False)


def confirm_signup(token: str, origin: Origin) -> Confirmed:
    """Do what the visitor asked: the POST behind the link in the mail; raises BadLink.

    The profile is the oldest one that has the address as its primary one; without one a
    profile is made: who reads an old mailbox decides nothing about a newer one. Of an
    existing profile only empty fields are filled, unless the page's update
    strategy allows more, and no flag is set: a box that was not ticked says nothing
    there, because the visitor never saw the present state. A new one is opted out of
    the channels that the page offered and that were not ticked. What was ticked is
    allowed by email alone; other channels and services on them are asked for at their
    own addresses. Confirming twice, or at the same moment in two windows, acts once.
    """
    asked_by = read_confirmation(token)
    with transaction.atomic():
        request = _lock_with_others_of_its_address(asked_by)
        if request.confirmed_at:
            return used(request)
        profile, is_new = _profile(request)
        _fill_own_fields(request, profile)
        origin = _proof(request, origin)
        asked = _apply(request, profile, origin, is_new=is_new)
        _lift_suppression(request, profile)
        _close(request, profile)
    profile.refresh_from_db()
    return Confirmed(request, profile, is_first=True, asked=asked)


def _lock_with_others_of_its_address(request: SignupRequest) -> SignupRequest:
    """The request as it is now, locked; raises BadLink when it is gone.

    The other requests of its address are locked as well, in the order of their ids: two
    of them must not make two profiles.
    """
    same = Q(pk=request.pk)
    if request.key:  # a confirmed one has forgotten its address
        same |= Q(key=request.key)
    rows = open_requests().select_for_update(of=("self",)).filter(same)
    for row in rows.order_by("pk"):
        if row.pk == request.pk:
            return row
    raise BadLink


def _profile(request: SignupRequest) -> tuple[Profile, bool]:
    """The profile that the confirmed address belongs to, locked; or a new one.

    Raises BadLink where that profile's data is restricted: the link works again once
    that is lifted.
    """
    asked = request.data["fields"]
    facts = {name: text for name, text in asked.items() if not name.startswith(OWN)}
    held = addresses.with_key(Channel.EMAIL, request.key).filter(is_primary=True)
    rows = Profile.objects.select_for_update(of=("self",)).filter(
        pk__in=held.values("profile_id")
    )
    profile = rows.order_by("pk").first()
    if profile is not None and is_restricted(profile.pk):
        raise BadLink
    if profile is None:
        profile = Profile.objects.create(**{"language": request.language} | facts)
        addresses.attach(profile, Channel.EMAIL, request.email, primary=True)
        return profile, True
    overwrites = request.version.content.get("updates_profile", False)
    changed = [n for n in facts if overwrites or not getattr(profile, n)]
    for name in changed:
        setattr(profile, name, facts[name])
    if changed:
        profile.save(update_fields=changed)
    return profile, False


def _fill_own_fields(request: SignupRequest, profile: Profile) -> None:
    """What was said in own fields; of somebody known only what is empty, unless the
    page updates. A field, or a choice, that is gone since is passed over."""
    said = {
        name.removeprefix(OWN): text
        for name, text in request.data["fields"].items()
        if name.startswith(OWN)
    }
    if not said:
        return
    asked = [own.field for own in fields.editable() if own.field.slug in said]
    have = fields.values_of([profile.pk], asked).get(profile.pk, {})
    overwrites = request.version.content.get("updates_profile", False)
    values: dict[OwnField, fields.Value | None] = {}
    for field in asked:
        if overwrites or field.slug not in have:
            with suppress(ValueError):
                values[field] = fields.read_value(field, said[field.slug])
    fields.set_values(profile, values)


def _proof(request: SignupRequest, origin: Origin) -> Origin:
    """The proof: the confirmation itself, and in the note the request before it."""
    asked = f"Requested on {request.created_at:%Y-%m-%d at %H:%M:%S} UTC"
    by = ", ".join(filter(None, [request.ip, request.user_agent]))
    note = f"{asked} from {by}" if by else asked
    return replace(origin, note=note, wording_version=request.version.name)


def _apply(
    request: SignupRequest, profile: Profile, origin: Origin, *, is_new: bool
) -> tuple[tuple[str, Answer], ...]:
    """Do what was asked; the profile is locked. Returns what is asked elsewhere."""
    ticked = request.data["channels"]
    elsewhere: list[str] = []
    for channel in request.version.content["channels"]:
        if channel not in ticked:
            if is_new:
                consent.opt_out(profile, channel, origin)
        elif channel == Channel.EMAIL:
            _allow_email(profile, origin)
        elif getattr(profile, flag_name(channel)):
            elsewhere.append(channel)
    for service in Service.objects.filter(pk__in=request.data["services"]):
        with suppress(ServiceClosed):
            _subscribe(request, profile, service, origin, is_new=is_new)
    language = request.language
    return tuple(
        (channel, allowing.ask(profile, channel, language=language))
        for channel in elsewhere
    )


def _lift_suppression(request: SignupRequest, profile: Profile) -> None:
    """Who confirms from an address wants mail there, unless it was left unticked."""
    profile.refresh_from_db()
    if not (profile.no_longer_contact or profile.no_longer_contact_email):
        suppression.lift(Channel.EMAIL, request.key, Lift.CONFIRMED)


def _allow_email(profile: Profile, origin: Origin) -> None:
    if not consent.opt_in(profile, Channel.EMAIL, origin).changed:
        # Its flag is clear already; the consent must be in the history all the same
        # (GDPR 7(1)).
        consent.record(profile, Kind.OPT_IN, origin, scope=Channel.EMAIL)


def _subscribe(
    request: SignupRequest,
    profile: Profile,
    service: Service,
    origin: Origin,
    *,
    is_new: bool,
) -> None:
    """The one place where a confirmed sign-up becomes a subscription.

    The address has just been confirmed by mail, so a service's double opt-in by email
    is met here. A service on SMS waits until the number has confirmed it.
    """
    by_mail = messages.channel_of(service) == Channel.EMAIL
    if by_mail and not service.double_opt_in:
        writing.begin(profile, service, origin)
    elif by_mail:
        asked = replace(
            origin,
            note="",
            ip=request.ip,
            user_agent=request.user_agent,
            at=request.created_at,
        )
        double_opt_in.confirmed_by_mail(profile, service, asked, origin)
    else:
        only = not request.data["channels"] and len(request.data["services"]) == 1
        subscriptions.ask(
            profile,
            service,
            origin,
            language=request.language,
            made_profile=is_new and only,
            proved=Channel.EMAIL,
        )


def _close(request: SignupRequest, profile: Profile) -> None:
    """Mark it as done and forget what is personal: the evidence has it now.

    What was asked for stays while the link is there, so that it says what became of it.
    """
    asked = {name: request.data.get(name, []) for name in ("channels", "services")}
    SignupRequest.objects.filter(pk=request.pk).update(
        confirmed_at=timezone.now(),
        profile_id=profile.pk,
        email="",
        key="",
        data=asked,
        ip=None,
        user_agent="",
    )
