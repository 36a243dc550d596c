"""An address that somebody adds among their preferences, confirmed at that address.

Until the button behind the link in the message is pressed, nothing counts: the address
stands in the row of that message alone, and goes with it. Asking reads nobody's
address: whoever has it, and whether anything may go there, the worker finds out, and
the page says the same.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audiences import addresses, consent, outbox, suppression
from audiences.addresses import normalise
from audiences.channels import ANY, Channel, flag_name
from audiences.consent import Kind, Origin, locks
from audiences.links import BadLink
from audiences.links.web_addresses import address_url, read_address_token
from audiences.models import ConsentEvent, OutboxMail, Profile
from audiences.outbox import Result, Words, caps, queue
from audiences.signups.allowing import ASKED, Answer, Stage, allow
from audiences.suppression import Lift
from audiences.suppression.restriction import is_restricted
from audiences.wording import page_texts

# Channels on which a message of ours can ask.
ADDED = ASKED


@dataclass(frozen=True)
class Added:
    """The address that a link is about, whose it becomes, and how far that is."""

    profile: Profile
    mail: OutboxMail
    stage: Stage

    @property
    def channel(self) -> str:
        return self.mail.channel

    @property
    def address(self) -> str:
        return self.mail.to


def days() -> int:
    """How long it can be confirmed: as long as the row of the message is there."""
    return min(settings.PENDING_SUBSCRIPTION_DAYS, settings.OUTBOX_DAYS)


# ---------------------------------------------------------------- the person asks
def ask(
    locked: Profile, channel: str, given: str, *, language: str, network: str
) -> Answer:
    """Send a message to an address that the person gives as theirs.

    Asked too often, today, from a network, by a person or for an address, it sends
    none. The caller has locked the profile. Raises InvalidAddress.
    """
    wanted = normalise(Channel(channel), given)
    context = {"profile": locked.pk, "after": _last_event(locked.pk)}
    if queue.is_on_its_way(OutboxMail.Kind.ADDRESS, wanted.key, context):
        return Answer.SENT
    who = caps.subject_of("profile", str(locked.pk))
    where = caps.subject_of(channel, wanted.key)
    if not (caps.allow_address(who) and caps.allow(network, where, "address")):
        return Answer.ENOUGH
    outbox.put(
        OutboxMail.Kind.ADDRESS,
        wanted,
        language=language,
        context=context,
        network=network,
        found_by=channel,
        channel=channel,
    )
    return Answer.SENT


@outbox.composes(OutboxMail.Kind.ADDRESS)
def write(mail: OutboxMail) -> Words | Result:
    """In the worker: the message that asks whether the address is the person's."""
    person = Profile.objects.filter(pk=mail.context["profile"]).first()
    if person is None or is_restricted(person.pk):
        return Result.OUTDATED
    code, by_sms = outbox.closest_language(mail.language), mail.channel == Channel.SMS
    url = address_url(mail.pk)
    return outbox.words(
        code,
        "texts.address" if by_sms else "mails.address",
        messages=page_texts.text(code, f"messages.{mail.channel}"),
        urls=url if by_sms else f"<{url}>",
        days=days(),
    )


# ---------------------------------------------------------------- the person confirms
def look(token: str) -> Added:
    """What a link is about; raises BadLink when there is nothing to confirm."""
    mail = _mail(token)
    return _added(mail, Profile.objects.filter(pk=mail.context["profile"]).first())


def confirm(token: str, origin: Origin) -> Added:
    """Give the person the address, and allow its channel: the POST behind the link.

    Twice acts once. Raises BadLink.
    """
    with transaction.atomic():
        rows = locks.rows_to_lock().filter(pk=_mail(token).context["profile"])
        person = rows.first()
        found = _added(_mail(token), person)
        if found.stage != Stage.WAITING:
            return found
        mail, person = found.mail, found.profile
        asked = f"Requested on {mail.created_at:%Y-%m-%d at %H:%M:%S} UTC"
        # The note quotes the words of the page: they are in no wording.
        proof = origin.noting(asked)
        was_out = person.no_longer_contact or getattr(person, flag_name(mail.channel))
        addresses.attach(person, mail.channel, mail.to, primary=True)
        if was_out:
            allow(person, mail.channel, proof)
        else:
            # Its flag is clear already; the consent must be in the history all the
            # same (GDPR 7(1)).
            consent.record(person, Kind.OPT_IN, proof, scope=mail.channel)
        suppression.lift(mail.channel, mail.key, Lift.CONFIRMED)
        queue.keep_answer(mail)
    return replace(found, stage=Stage.DONE)


def _mail(token: str) -> OutboxMail:
    """The message whose link this is, while it can be answered; raises BadLink."""
    since = timezone.now() - timedelta(days=days())
    rows = OutboxMail.objects.filter(
        pk=read_address_token(token),
        kind=OutboxMail.Kind.ADDRESS,
        created_at__gt=since,
    )
    if mail := rows.first():
        return mail
    raise BadLink


def _added(mail: OutboxMail, person: Profile | None) -> Added:
    if person is None:
        raise BadLink
    if queue.is_answered(mail):
        return Added(person, mail, Stage.BEFORE)
    if is_restricted(person.pk) or _stopped_since(mail):
        raise BadLink
    return Added(person, mail, Stage.WAITING)


def _stopped_since(mail: OutboxMail) -> bool:
    """Whether the person stopped the channel after they asked: that counts."""
    return ConsentEvent.objects.filter(
        profile_id=mail.context["profile"],
        channel__in=[mail.channel, ANY],
        kind=Kind.OPT_OUT,
        pk__gt=mail.context["after"],
    ).exists()


def _last_event(profile_id: int) -> int:
    events = ConsentEvent.objects.filter(profile_id=profile_id).order_by("-pk")
    return events.values_list("pk", flat=True).first() or 0
