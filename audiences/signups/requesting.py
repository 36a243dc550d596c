"""What visitors without a personal link ask for (L5, L7).

Such a visitor never changes or learns anything about a profile. A request reads no
profile: it writes the same rows, with the same statements, whether somebody is known or
not. The worker finds out, and what it finds leaves by mail only, to an address that the
profile has. Nothing that a visitor typed is in a mail.

- `mailing_links`: "I don't have the mail any more". Anyone who is known gets a
  personal link for each profile.
- `requesting`, then `confirming` behind the link in the mail: only that changes
  something.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Required, TypedDict

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences import addresses, fields, outbox
from audiences.addresses import normalise, unstorable
from audiences.channels import Channel
from audiences.landing_pages import Content
from audiences.links import BadLink
from audiences.links.web_addresses import read_signup_token, signup_url
from audiences.models import (
    LandingPage,
    LandingPageVersion,
    OutboxMail,
    OwnField,
    Profile,
    Service,
    SignupRequest,
)
from audiences.models.landing_pages import OWN
from audiences.models.profiles import LONGEST_TEXT
from audiences.outbox import Result, Words, caps
from audiences.profiles import read_country, read_language
from audiences.refusals import Refused

FoundBy = LandingPage.ReconciledBy
Kind = LandingPage.Kind
SIGNUP_KINDS = LandingPage.SIGNUP_KINDS


class Wish(TypedDict, total=False):
    """What a visitor fills in: `fields` of the profile, channels, ids of services.

    Own fields stand among `fields` as `own:` and their slug, with a text. The service
    of a subscription page needs no tick; the agreement does (`agreed`).
    """

    email: Required[str]
    fields: Mapping[str, str]
    channels: Sequence[str]
    services: Sequence[int]
    agreed: bool


class Asked(TypedDict):
    """What a request keeps of it until somebody confirms."""

    fields: dict[str, str]
    channels: list[str]
    services: list[int]


class InvalidSignup(Refused):
    """The page does not offer this, or a value cannot be kept; `field` says which."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


# -------------------------------------------------------------------------- signing up
def request_signup(
    version: LandingPageVersion,
    wish: Wish,
    *,
    language: str,
    network: str,
    ip: str | None = None,
    user_agent: str = "",
) -> bool:
    """Keep what a visitor of an acquisition or subscription page asks for.

    What the page does not offer is refused. `version` is the version that the visitor
    saw; `ip` and `user_agent` become evidence (GDPR 7(1)).

    A mail with a link goes to the address. Until somebody confirms there nothing else
    happens, and after SIGNUP_REQUEST_DAYS the request is erased. Returns whether a mail
    goes out: not when today's number is reached, for this address, known or not, or for
    the network. Raises InvalidAddress and InvalidSignup.
    """
    given = normalise(Channel.EMAIL, wish["email"])
    asked = _asked(version.content, wish)
    with transaction.atomic():
        subject = caps.subject_of(Channel.EMAIL, given.key)
        if not caps.allow(network, subject, _about(version.content)):
            return False
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
    return True


def _about(content: Content) -> str:
    """What a sign-up confirms, for the cap: the service of a subscription page."""
    service = content["service"]
    is_one = content["kind"] == Kind.SUBSCRIPTION and service is not None
    return f"service:{service['id']}" if is_one and service else ""


def was_just_asked(version: LandingPageVersion, wish: Wish) -> bool:
    """Whether the same sign-up is there already: its form was sent twice."""
    key = normalise(Channel.EMAIL, wish["email"]).key
    since = timezone.now() - timedelta(minutes=settings.PROOF_OF_WORK_MINUTES)
    rows = SignupRequest.objects.filter(
        key=key, version=version, created_at__gte=since, confirmed_at__isnull=True
    )
    asked = _asked(version.content, wish)
    return any(row.data == asked for row in rows)


def without_closed(content: Content) -> Content:
    """The page without the services that take no new subscriptions."""
    asked = [*content["services"], *filter(None, [content["service"]])]
    ids = [facts["id"] for facts in asked]
    closed = Service.objects.filter(pk__in=ids, is_closed=True)
    shut = set(closed.values_list("pk", flat=True)) if ids else set()
    service = content["service"]
    return {
        **content,
        "services": [facts for facts in content["services"] if facts["id"] not in shut],
        "service": None if service and service["id"] in shut else service,
    }


def _asked(content: Content, wish: Wish) -> Asked:
    """What was asked, checked against what the page offers."""
    if content["kind"] not in SIGNUP_KINDS:
        raise InvalidSignup("", _("Nobody can sign up on this page."))
    if not content["allows_unidentified"]:
        raise InvalidSignup("", _("This page needs a personal link."))
    if content["needs_agreement"] and not wish.get("agreed"):
        raise InvalidSignup("agreed", _("The agreement is needed."))
    own: dict[str, OwnField] = {}
    if any(name.startswith(OWN) for name in wish.get("fields", {})):
        own = {OWN + each.field.slug: each.field for each in fields.editable()}
    asked = Asked(
        fields={
            name: _readable(name, text.strip(), own.get(name))
            for name, text in wish.get("fields", {}).items()
            # Of an own field that was taken away meanwhile nothing is kept.
            if text.strip() and (name in own or not name.startswith(OWN))
        },
        channels=list(wish.get("channels", ())),
        services=[int(pk) for pk in wish.get("services", ())],
    )
    for name, wanted, offered in (
        ("fields", {*asked["fields"]}, {*content["extra_fields"]}),
        ("channels", {*asked["channels"]}, {*content["channels"]}),
        ("services", {*asked["services"]}, {s["id"] for s in content["services"]}),
    ):
        if wanted - offered:
            raise InvalidSignup(name, _("The page does not offer this."))
    if content["kind"] == Kind.SUBSCRIPTION and content["service"]:
        asked["services"] = [content["service"]["id"]]
    elif not (asked["channels"] or asked["services"]) and (boxes := _boxes(content)):
        # Nobody signs up for nothing.
        raise InvalidSignup(boxes[0], _("Fill in at least one of these fields."))
    return asked


def _boxes(content: Content) -> list[str]:
    """Where the page has boxes to tick, as far as its services are open."""
    if content["kind"] not in LandingPage.CHOICE_KINDS:
        return []
    open_ones = without_closed(content)
    offered = {"services": open_ones["services"], "channels": open_ones["channels"]}
    return [name for name, choices in offered.items() if choices]


_READERS = {"language": read_language, "country": read_country}


def _readable(name: str, text: str, own: OwnField | None) -> str:
    if problem := unstorable(text):
        raise InvalidSignup(name, problem)
    if own is not None:
        try:
            return fields.as_text(fields.read_value(own, text))
        except ValueError as error:
            raise InvalidSignup(name, str(error)) from error
    if len(text) > LONGEST_TEXT:
        raise InvalidSignup(name, _("It is too long."))
    try:
        return _READERS[name](text) if name in _READERS else text
    except ValueError as error:
        raise InvalidSignup(name, str(error)) from error


@outbox.composes(OutboxMail.Kind.SIGNUP)
def write_confirmation(mail: OutboxMail) -> Words | Result:
    """In the worker: the same mail for an address that is known and one that is not."""
    request = open_requests().filter(pk=mail.context["request"]).first()
    if request is None or request.confirmed_at:
        return Result.OUTDATED
    return outbox.words(
        mail.language,
        "mails.confirm",
        to=_stored(request),
        urls=f"<{confirmation_url(request)}>",
        days=settings.SIGNUP_REQUEST_DAYS,
    )


def _stored(request: SignupRequest) -> str:
    """The address as the profile has it that the sign-up will be for, if there is one.

    The typed spelling may name another mailbox where letter case counts.
    """
    held = addresses.with_key(Channel.EMAIL, request.key).filter(is_primary=True)
    first = held.order_by("profile_id").values_list("value", flat=True).first()
    return first or request.email


def confirmation_url(request: SignupRequest) -> str:
    """The address in the mail: GET shows a button, POST calls `confirm_signup`."""
    return signup_url(request.version.page_slug, request.pk)


def read_confirmation(token: str) -> SignupRequest:
    """The request that a link is about, for showing its page; raises BadLink.

    BadLink also when the request has expired or was erased. Changes nothing.
    """
    request = open_requests().filter(pk=read_signup_token(token)).first()
    if request is None:
        raise BadLink
    return request


def open_requests() -> QuerySet[SignupRequest]:
    return SignupRequest.objects.filter(expires_at__gt=timezone.now()).select_related(
        "version"
    )


def signups_of(profile: Profile) -> QuerySet[SignupRequest]:
    """Open sign-ups with an email address of the profile: by the person, or not."""
    emails = profile.addresses.filter(channel=Channel.EMAIL).values("key")
    return open_requests().filter(confirmed_at__isnull=True, key__in=emails)


def clean_up(now: datetime | None = None) -> int:
    """Erase requests that have expired, confirmed or not; returns how many."""
    expired = SignupRequest.objects.filter(expires_at__lte=now or timezone.now())
    return expired.delete()[0]
