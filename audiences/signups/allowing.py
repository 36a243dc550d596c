"""Allowing a channel again: asked at the address that it is about, and nowhere else.

A link proves one address. Who ticks another channel on a page is asked there, by mail
or SMS, and the channel is allowed when the button behind that link is pressed. The link
ends when anything happens to the channel, when another address is the primary one, and
after PENDING_SUBSCRIPTION_DAYS.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

from django.conf import settings
from django.db import transaction

from audiences import consent, outbox, suppression
from audiences.addresses import Normalised
from audiences.channels import ANY, ANY_FLAG, Channel, flag_name
from audiences.consent import Origin, locks
from audiences.links import BadLink
from audiences.links.payloads import Permission
from audiences.links.signing import mark
from audiences.links.web_addresses import permission_url, read_permission_token, went_to
from audiences.models import Address, AddressStatus, ConsentEvent, OutboxMail, Profile
from audiences.outbox import Result, Words, caps
from audiences.suppression import Lift
from audiences.suppression.restriction import is_restricted
from audiences.wording import page_texts

# Channels on which a message can ask; the others are allowed again by an operator.
ASKED = (Channel.EMAIL, Channel.SMS)


class Answer(Enum):
    """What came of asking at an address: a message, or why there is none."""

    SENT = "sent"
    ENOUGH = "enough"
    NO_ADDRESS = "no_address"
    NO_MESSAGES = "no_messages"


class Stage(Enum):
    """How far it has come: it waits, it was done now, or before."""

    WAITING = "waiting"
    DONE = "done"
    BEFORE = "before"


@dataclass(frozen=True)
class Allowed:
    """What a link allows, and how far that is."""

    profile: Profile
    channel: str
    stage: Stage


# ---------------------------------------------------------------- the person asks
def ask(locked: Profile, channel: str, *, language: str = "") -> Answer:
    """Ask at the primary address of a channel whether messages may come there again.

    The caller has locked the profile and made all other changes of the act: whatever
    happens to the channel afterwards ends the link.
    """
    address = _address(locked.pk, channel)
    if address is None:
        return Answer.NO_ADDRESS
    is_stopped = address.quarantine_status == AddressStatus.DENYLISTED or (
        is_restricted(locked.pk)
    )
    if channel not in ASKED or is_stopped or address.is_suppressed:
        return Answer.NO_MESSAGES
    context = {"profile": locked.pk, "after": _last_event(locked.pk, channel)}
    kind = OutboxMail.Kind.CHANNEL
    if outbox.is_on_its_way(kind, address.key, context):
        return Answer.SENT
    if not caps.allow_address(caps.subject_of(channel, address.key), "channel"):
        return Answer.ENOUGH
    outbox.put(
        kind,
        Normalised(address.value, address.key),
        language=language or locked.language,
        context=context,
        network="",
        found_by=channel,
        channel=channel,
    )
    return Answer.SENT


@outbox.composes(OutboxMail.Kind.CHANNEL)
def write(mail: OutboxMail) -> Words | Result:
    """In the worker: the message that asks, if it may still be answered."""
    profile_id, after = mail.context["profile"], mail.context["after"]
    address = _address(profile_id, mail.channel)
    if address is None or address.key != mail.key:
        return Result.OUTDATED
    if _last_event(profile_id, mail.channel) != after:
        return Result.OUTDATED
    sent_to = mark(mail.channel, mail.key)
    url = permission_url(Permission(profile_id, mail.channel, sent_to, after))
    code, by_sms = outbox.closest_language(mail.language), mail.channel == Channel.SMS
    return outbox.words(
        code,
        "texts.channel" if by_sms else "mails.channel",
        messages=page_texts.text(code, f"messages.{mail.channel}"),
        urls=url if by_sms else f"<{url}>",
        days=settings.PENDING_SUBSCRIPTION_DAYS,
    )


# ---------------------------------------------------------------- the person confirms
def look(token: str) -> Allowed:
    """What a link allows; raises BadLink when there is nothing to allow any more."""
    permission = read_permission_token(token)
    profile = Profile.objects.filter(pk=permission.profile_id).first()
    return _allowed(permission, profile)


def confirm(token: str, origin: Origin) -> Allowed:
    """Allow the channel: the POST behind the link; twice acts once. Raises BadLink."""
    permission = read_permission_token(token)
    with transaction.atomic():
        rows = locks.rows_to_lock().filter(pk=permission.profile_id)
        found = _allowed(permission, rows.first())
        if found.stage != Stage.WAITING:
            return found
        # The note quotes the words of the page: they are in no wording.
        origin = origin.noting(_note(permission))
        allow(found.profile, found.channel, origin)
        if address := _address(found.profile.pk, found.channel):
            suppression.lift(address.channel, address.key, Lift.CONFIRMED)
    return replace(found, stage=Stage.DONE)


def allow(locked: Profile, channel: str, origin: Origin) -> None:
    """Allow a channel at the word of who reads its address; the caller locked it.

    Where all messages had been stopped, only this channel is allowed again: the others
    are stopped one by one (P2).
    """
    if locked.no_longer_contact:
        for other in sorted({*Channel.values} - {channel}):
            consent.change_flag(locked, other, opted_out=True, origin=origin)
        consent.change_flag(locked, ANY, opted_out=False, origin=origin)
    consent.change_flag(locked, channel, opted_out=False, origin=origin)


def _allowed(permission: Permission, profile: Profile | None) -> Allowed:
    channel = permission.channel
    address = _address(permission.profile_id, channel)
    if profile is None or address is None:
        raise BadLink
    if not went_to(permission.sent_to, channel, address.key):
        raise BadLink
    is_out = getattr(profile, flag_name(channel)) or getattr(profile, ANY_FLAG)
    if not is_out:
        return Allowed(profile, channel, Stage.BEFORE)
    if _was_used(permission):
        return Allowed(profile, channel, Stage.BEFORE)
    if _last_event(profile.pk, channel) != permission.after or is_restricted(
        profile.pk
    ):
        raise BadLink
    return Allowed(profile, channel, Stage.WAITING)


def _was_used(permission: Permission) -> bool:
    """Whether this link has allowed the channel, which has been stopped again."""
    return ConsentEvent.objects.filter(
        profile_id=permission.profile_id,
        channel=permission.channel,
        kind=consent.Kind.OPT_IN,
        pk__gt=permission.after,
        evidence__note__startswith=_note(permission),
    ).exists()


def _note(permission: Permission) -> str:
    """What the history keeps of the request; so it knows the link that was used."""
    asked = datetime.fromtimestamp(permission.signed_at, UTC)
    return f"Requested on {asked:%Y-%m-%d at %H:%M:%S} UTC"


def _address(profile_id: int, channel: str) -> Address | None:
    return Address.objects.filter(
        profile_id=profile_id, channel=channel, is_primary=True, is_valid=True
    ).first()


def _last_event(profile_id: int, channel: str) -> int:
    """The last event about the channel or about "any"; 0 when there is none."""
    events = ConsentEvent.objects.filter(
        profile_id=profile_id, channel__in=[channel, ANY]
    )
    return events.order_by("-id").values_list("pk", flat=True).first() or 0
