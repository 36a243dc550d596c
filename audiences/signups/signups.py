"""What visitors without a personal link ask for (L5, L7).

Such a visitor never changes or learns anything about a profile. A request reads no
profile: it writes the same rows, with the same statements, whether somebody is known or
not. The worker finds out, and what it finds leaves by mail only, to an address that the
profile has. Nothing that a visitor typed is in a mail.

- `request_link`: "I don't have the mail any more". Whoever is known gets a personal
  link for each profile.
- `request_signup`, then `confirm_signup` behind the link in the mail: only that changes
  something.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences.addresses import books as addresses
from audiences.addresses.books import InvalidAddress, Normalised
from audiences.channels import Channel
from audiences.consent import flags as consent
from audiences.consent.flags import Kind, Origin, Source
from audiences.imports.people_rows import read_country, read_language
from audiences.links.tokens import (
    LONGEST_TOKEN,
    BadLink,
    Link,
    page_url,
)
from audiences.models import (
    Address,
    LandingPage,
    LandingPageVersion,
    OutboxMail,
    Profile,
    Service,
    SignupRequest,
)
from audiences.models.profiles import LONGEST_EXTERNAL_ID, LONGEST_TEXT
from audiences.outbox import caps as request_caps
from audiences.outbox import sending as outbox
from audiences.outbox.sending import Result, Words
from audiences.refusals import Refused
from audiences.subscriptions import messages as subscription_messages
from audiences.subscriptions import writing as subscriptions

FoundBy = LandingPage.ReconciledBy
# So many profiles of one address get their link in one mail.
MOST_LINKS = 20
_SALT = "audiences.link_requests.signup"


class InvalidSignup(Refused):
    """The page does not offer this, or a value cannot be kept; `field` says which."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


# ----------------------------------------------------------------- a new personal link
def request_link(
    given: str,
    *,
    page: str,
    kind: str,
    language: str,
    network: str,
    found_by: str = FoundBy.EMAIL,
) -> None:
    """Mail a personal link for a page to whoever is known by an address.

    `given` is what the visitor typed, `found_by` what it is (the page's
    `reconciles_by`); `page` and `kind` are the slug and kind of the page that the link
    opens; `network` comes from `pages.visitors.network`. The visitor's language is
    that of the mail.

    Returns nothing, whatever happens: also when a cap is reached nobody is told. The
    page says the same each time. Raises InvalidAddress for what cannot be an address,
    which says nothing about profiles.
    """
    wanted = _normalised(found_by, given)
    with transaction.atomic():
        if request_caps.allow(network, _subject(found_by, wanted.key)):
            outbox.put(
                OutboxMail.Kind.LINK,
                wanted,
                found_by=found_by,
                language=language,
                context={"page": page, "kind": kind},
                network=network,
            )


def _normalised(found_by: str, given: str) -> Normalised:
    if found_by == FoundBy.EXTERNAL_ID:
        value = given.strip()
        if not value:
            raise InvalidAddress(_("it is empty"))
        if len(value) > LONGEST_EXTERNAL_ID or addresses.unstorable(value):
            raise InvalidAddress(_("it cannot be kept"))
        return Normalised(value, value)
    return addresses.normalise(Channel(found_by), given)


def _subject(found_by: str, key: str) -> str:
    """The name under which the requests about one address are counted.

    What many mail servers leave out is left out: else one mailbox could be flooded by
    a+1@, a+2@, or by a.b@, ab@. Two people may so share a cap, but never a mail.
    """
    if found_by == FoundBy.EMAIL:
        local, _at, domain = key.rpartition("@")
        mailbox = local.partition("+")[0].replace(".", "") or local
        key = f"{mailbox}@{domain.replace('googlemail.com', 'gmail.com')}"
    return f"{found_by}:{key}"


@outbox.composes(OutboxMail.Kind.LINK)
def write_links(mail: OutboxMail) -> Words | Result:
    """In the worker: the personal links of everybody who has the address."""
    if mail.found_by != FoundBy.EMAIL:
        return _forward(mail)
    holders = addresses.with_key(Channel.EMAIL, mail.key).order_by("profile_id")
    if "profiles" in mail.context:
        holders = holders.filter(profile_id__in=mail.context["profiles"])
    profile_ids = list(holders.values_list("profile_id", flat=True)[:MOST_LINKS])
    if not profile_ids:
        return Result.NOBODY
    channel = mail.context.get("channel", Channel.EMAIL)
    page, kind = mail.context["page"], mail.context["kind"]
    urls = (
        page_url(Link(profile_id, channel, page=page, kind=kind))
        for profile_id in profile_ids
    )
    return outbox.words(
        mail.language,
        "mails.link" if len(profile_ids) == 1 else "mails.links",
        urls="\n\n".join(f"<{url}>" for url in urls),
        days=settings.EDIT_LINK_DAYS,
    )


def _forward(mail: OutboxMail) -> Result:
    """Known by a number that gets no mail: pass the request on to the email address.

    Each address that gets a mail in this way is counted like one that was typed.
    """
    by_sms = mail.found_by == FoundBy.SMS
    if by_sms:
        holders = addresses.with_key(Channel.SMS, mail.key).values("profile_id")
        profiles = Profile.objects.filter(pk__in=holders)
    else:
        profiles = Profile.objects.filter(external_id=mail.key)
    mailboxes: dict[tuple[str, str], list[int]] = defaultdict(list)
    rows = Address.objects.filter(
        profile__in=profiles, channel=Channel.EMAIL, is_primary=True, is_valid=True
    )
    for row in rows.order_by("key", "profile_id")[:MOST_LINKS]:
        mailboxes[row.key, row.value].append(row.profile_id)
    forwarded = False
    for (key, value), profile_ids in mailboxes.items():
        if request_caps.allow_address(_subject(FoundBy.EMAIL, key)):
            forwarded = True
            outbox.put(
                OutboxMail.Kind.LINK,
                Normalised(value, key),
                language=mail.language,
                context=mail.context
                | {
                    "profiles": profile_ids,
                    "channel": Channel.SMS if by_sms else Channel.EMAIL,
                },
                network=mail.network,
            )
    return Result.FORWARDED if forwarded else Result.NOBODY


# -------------------------------------------------------------------------- signing up
def request_signup(
    version: LandingPageVersion,
    data: Mapping[str, Any],
    *,
    language: str,
    network: str,
    ip: str | None = None,
    user_agent: str = "",
) -> None:
    """Keep what a visitor of an acquisition or subscription page asks for.

    `data`: `email` (needed); `fields`, a mapping of extra fields; `channels`, codes;
    `services`, ids; `agreed`, whether the agreement was ticked. What the page does not
    offer is refused. The service of a subscription page needs no tick. `version` is
    the version that the visitor saw; `ip` and `user_agent` become evidence (GDPR 7(1)).

    A mail with a link goes to the address; until somebody confirms there
    (`confirm_signup`), nothing else happens, and after SIGNUP_REQUEST_DAYS the request
    is erased. Returns nothing, whatever happens, like `request_link`. Raises
    InvalidAddress for the email address and InvalidSignup for the rest.
    """
    given = addresses.normalise(Channel.EMAIL, str(data.get("email", "")))
    asked = _asked(version.content, data)
    with transaction.atomic():
        if not request_caps.allow(network, _subject(FoundBy.EMAIL, given.key)):
            return
        request = SignupRequest.objects.create(
            version=version,
            email=given.value,
            key=given.key,
            language=language,
            data=asked,
            ip=ip,
            user_agent=user_agent.replace("\0", "")[:500],
            expires_at=timezone.now() + timedelta(days=settings.SIGNUP_REQUEST_DAYS),
        )
        outbox.put(
            OutboxMail.Kind.SIGNUP,
            given,
            language=language,
            context={"request": request.pk},
            network=network,
        )


def _asked(content: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked, checked against what the page offers."""
    if content["kind"] not in (LandingPage.Kind.ACQUISITION, *_SUBSCRIPTION):
        raise InvalidSignup("", _("Nobody can sign up on this page."))
    if not content["allows_unidentified"]:
        raise InvalidSignup("", _("This page needs a personal link."))
    if content["needs_agreement"] and not data.get("agreed"):
        raise InvalidSignup("agreed", _("The agreement is needed."))
    fields = {
        name: _readable(name, str(text).strip())
        for name, text in dict(data.get("fields", {})).items()
        if str(text).strip()
    }
    offered = [service["id"] for service in content["services"]]
    asked = {
        "fields": fields,
        "channels": list(data.get("channels", ())),
        "services": [int(pk) for pk in data.get("services", ())],
    }
    for name, known in (
        ("fields", content["extra_fields"]),
        ("channels", content["channels"]),
        ("services", offered),
    ):
        if not set(asked[name]) <= set(known):
            raise InvalidSignup(name, _("The page does not offer this."))
    if content["kind"] in _SUBSCRIPTION:
        asked["services"] = [content["service"]["id"]]
    return asked


_SUBSCRIPTION = (LandingPage.Kind.SUBSCRIPTION,)
_READERS = {"language": read_language, "country": read_country}


def _readable(name: str, text: str) -> str:
    if problem := addresses.unstorable(text):
        raise InvalidSignup(name, problem)
    if len(text) > LONGEST_TEXT:
        raise InvalidSignup(name, _("It is too long."))
    try:
        return _READERS[name](text) if name in _READERS else text
    except ValueError as error:
        raise InvalidSignup(name, str(error)) from error


@outbox.composes(OutboxMail.Kind.SIGNUP)
def write_confirmation(mail: OutboxMail) -> Words | Result:
    """In the worker: the same mail for an address that is known and one that is not."""
    request = _open_requests().filter(pk=mail.context["request"]).first()
    if request is None or request.confirmed_at:
        return Result.OUTDATED
    return outbox.words(
        mail.language,
        "mails.confirm",
        urls=f"<{confirmation_url(request)}>",
        days=settings.SIGNUP_REQUEST_DAYS,
    )


def confirmation_url(request: SignupRequest) -> str:
    """The address in the mail: GET shows a button, POST calls `confirm_signup`."""
    token = _signer().sign_object([request.pk])
    path = reverse("pages:confirm_signup", args=[request.version.page_slug, token])
    return f"{settings.BASE_URL}{path}"


def read_confirmation(token: str) -> SignupRequest:
    """The request that a link is about, for showing its page; raises BadLink.

    BadLink also when the request has expired or was erased. Changes nothing.
    """
    if len(token) > LONGEST_TOKEN:
        raise BadLink
    try:
        (pk,) = _signer().unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadLink from error
    request = _open_requests().filter(pk=pk).first()
    if request is None:
        raise BadLink
    return request


def _signer() -> signing.Signer:
    return signing.Signer(salt=_SALT, sep=".")


def _open_requests() -> QuerySet[SignupRequest]:
    return SignupRequest.objects.filter(expires_at__gt=timezone.now()).select_related(
        "version"
    )


@dataclass(frozen=True)
class Confirmed:
    """What confirming did. `profile` is None when it has been erased since.

    `is_first` is false when the link was used before: then nothing was done.
    `warnings` say what still keeps messages away, such as an opt-out of any channel.
    """

    profile: Profile | None
    version: LandingPageVersion
    is_new: bool = False
    is_first: bool = False
    warnings: tuple[str, ...] = ()


def confirm_signup(
    token: str, *, ip: str | None = None, user_agent: str = ""
) -> Confirmed:
    """Do what the visitor asked: the POST behind the link in the mail; raises BadLink.

    The profile is the oldest one that has the address; without one a profile is made.
    Of an existing profile only empty fields are filled, unless the page's update
    strategy allows more, and no flag is set: a box that was not ticked says nothing
    there, because the visitor never saw the present state. A new one is opted out of
    the channels that the page offered and that were not ticked. Confirming twice, or at
    the same moment in two windows, acts once.
    """
    asked_by = read_confirmation(token)
    with transaction.atomic():
        request = _lock_with_others_of_its_address(asked_by)
        if request.confirmed_at:
            profile = Profile.objects.filter(pk=request.profile_id or 0).first()
            return Confirmed(profile, request.version)
        profile, is_new = _profile(request)
        origin = _origin(request, ip, user_agent)
        warnings = _apply(request, profile, origin, is_new=is_new)
        _close(request, profile)
    profile.refresh_from_db()
    return Confirmed(profile, request.version, is_new, True, warnings)


def _lock_with_others_of_its_address(request: SignupRequest) -> SignupRequest:
    """The request as it is now, locked; raises BadLink when it is gone.

    The other requests of its address are locked as well, in the order of their ids: two
    of them must not make two profiles.
    """
    same = Q(pk=request.pk)
    if request.key:  # a confirmed one has forgotten its address
        same |= Q(key=request.key)
    rows = _open_requests().select_for_update(of=("self",)).filter(same)
    for row in rows.order_by("pk"):
        if row.pk == request.pk:
            return row
    raise BadLink


def _profile(request: SignupRequest) -> tuple[Profile, bool]:
    """The profile that the confirmed address belongs to, locked; or a new one."""
    fields = request.data["fields"]
    held = addresses.with_key(Channel.EMAIL, request.key).values("profile_id")
    rows = Profile.objects.select_for_update(of=("self",)).filter(pk__in=held)
    profile = rows.order_by("pk").first()
    if profile is None:
        profile = Profile.objects.create(**{"language": request.language} | fields)
        addresses.attach(profile, Channel.EMAIL, request.email, primary=True)
        return profile, True
    overwrites = request.version.content.get("updates_profile", False)
    changed = [n for n in fields if overwrites or not getattr(profile, n)]
    for name in changed:
        setattr(profile, name, fields[name])
    if changed:
        profile.save(update_fields=changed)
    return profile, False


def _origin(request: SignupRequest, ip: str | None, user_agent: str) -> Origin:
    """The proof: the confirmation itself, and in the note the request before it."""
    asked = f"Requested on {request.created_at:%Y-%m-%d at %H:%M:%S} UTC"
    by = ", ".join(filter(None, [request.ip, request.user_agent]))
    return Origin(
        source=Source.LANDING_PAGE,
        note=f"{asked} from {by}" if by else asked,
        ip=ip,
        user_agent=user_agent.replace("\0", "")[:500],
        wording_version=request.version.name,
    )


def _apply(
    request: SignupRequest, profile: Profile, origin: Origin, *, is_new: bool
) -> tuple[str, ...]:
    """Do what was asked; the profile is locked. Returns warnings."""
    ticked = request.data["channels"]
    warnings = []
    for channel in request.version.content["channels"]:
        if channel not in ticked:
            if is_new:
                consent.opt_out(profile, channel, origin)
        else:
            result = consent.opt_in(profile, channel, origin)
            warnings.append(result.warning)
            if not result.changed:
                # Its flag is clear already; the consent must be in the history all the
                # same (GDPR 7(1)).
                consent.record(profile, Kind.OPT_IN, origin, scope=channel)
    services = Service.objects.filter(pk__in=request.data["services"])
    for service in services:
        try:
            result = _subscribe(request, profile, service, origin, is_new=is_new)
        except subscriptions.ServiceClosed as closed:
            warnings.append(str(closed))
        else:
            warnings.append(result.warning)
    return tuple(dict.fromkeys(filter(None, warnings)))


def _subscribe(
    request: SignupRequest,
    profile: Profile,
    service: Service,
    origin: Origin,
    *,
    is_new: bool,
) -> consent.Result:
    """The one place where a confirmed sign-up becomes a subscription.

    The address has just been confirmed by mail, so a service's double opt-in by email
    is met here. One by SMS is not: the number has still to confirm.
    """
    if not service.double_opt_in:
        return subscriptions.begin(profile, service, origin)
    by_mail = subscription_messages.channel_of(service) == Channel.EMAIL
    if not by_mail:
        only = not request.data["channels"] and len(request.data["services"]) == 1
        return subscriptions.ask(
            profile,
            service,
            origin,
            language=request.language,
            made_profile=is_new and only,
        )
    asked = replace(
        origin,
        note="",
        ip=request.ip,
        user_agent=request.user_agent,
        at=request.created_at,
    )
    return subscriptions.confirmed_by_mail(profile, service, asked, origin)


def _close(request: SignupRequest, profile: Profile) -> None:
    """Mark it as done and forget what is personal: the evidence has it now."""
    SignupRequest.objects.filter(pk=request.pk).update(
        confirmed_at=timezone.now(),
        profile_id=profile.pk,
        email="",
        key="",
        data={},
        ip=None,
        user_agent="",
    )


def clean_up(now: datetime | None = None) -> int:
    """Erase requests that have expired, confirmed or not; returns how many."""
    expired = SignupRequest.objects.filter(expires_at__lte=now or timezone.now())
    return expired.delete()[0]


def forget(profile: Profile) -> None:
    """Erase what is kept about a profile that is being erased, and its addresses."""
    keys = list(profile.addresses.values_list("key", flat=True))
    SignupRequest.objects.filter(key__in=keys).delete()
    SignupRequest.objects.filter(profile_id=profile.pk).delete()
    OutboxMail.objects.filter(key__in=[*keys, profile.external_id or ""]).delete()
