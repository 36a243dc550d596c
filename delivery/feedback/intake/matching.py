"""Which message of ours a report is about: what is proved, and what is only likely.

A report counts when it proves that it is about a message that we sent:

1. it came to that message's return path, whose token is signed;
2. it names that message's number (Message-ID, or the provider's): only those who
   handled the message know it. It then counts against the address that we sent that
   message to, whatever address it names: a mailbox that forwards fails somewhere else;
3. address and period: a message went to the address within FEEDBACK_PERIOD_DAYS before,
   and nothing contradicts. Anybody can write such a report, so it counts only when a
   provider's signature vouches for it, or when no number of the message is on record
   (nothing else can prove such a message; FEEDBACK_TRUST_UNNUMBERED=0 refuses that
   too). FEEDBACK_TRUST_ADDRESS=1 lets it count for all.

Everything else waits for a human, with the messages that it may be about.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audiences import addresses, moments
from audiences.models import Address
from delivery.feedback import return_path
from delivery.feedback.events import FeedbackEvent
from delivery.models import Message

PROPOSED = 5
# Messages of one number among which an address is looked for.
MOST_ALIKE = 100
# Clocks differ: a report may seem to be a little older than its message.
CLOCK_SKEW = timedelta(days=1)


class How(models.TextChoices):
    """What ties a report to a message."""

    RETURN_PATH = "return_path", _("its return path")
    MESSAGE_ID = "message_id", _("its Message-ID")
    PROVIDER_ID = "provider_id", _("the provider's number")
    PERIOD = "period", _("address and period")
    OPERATOR = "operator", _("an operator")


@dataclass(frozen=True)
class Match:
    """The message, if one is proved; else those that the report may be about."""

    message: Message | None = None
    how: How | None = None
    proposals: tuple[Message, ...] = ()


def key_of(channel: str, address: str) -> str | None:
    """The key of an address; None for what cannot be delivered to."""
    try:
        return addresses.normalise(channel, address).key
    except addresses.InvalidAddress:
        return None


def match(event: FeedbackEvent, *, received_at: datetime, is_verified: bool) -> Match:
    """The message that an event is about, or proposals for a human."""
    messages = Message.objects.filter(channel=event.channel).select_related("delivery")
    key = key_of(event.channel, event.address)
    for how, about in _numbers(event):
        found = list(messages.filter(about).order_by("-id")[:MOST_ALIKE])
        if len(found) > 1:
            # One number for many recipients: the address says which.
            found = _to_address(found, key) or _to_address(
                messages.filter(about, profile_id__in=_holders(event.channel, key)), key
            )
        if found:
            return Match(found[0], how)
    likely = _by_address_and_period(event, key, received_at)
    trusted = [m for m in likely if is_verified or _is_enough(m)]
    if trusted and not return_path.is_forged(event.clue.return_paths):
        return Match(trusted[0], How.PERIOD)
    return Match(proposals=tuple(likely))


def _numbers(event: FeedbackEvent) -> list[tuple[How, Q]]:
    """What the report proves, strongest first, as conditions on messages."""
    clue = event.clue
    tokens = [token for p in clue.return_paths if (token := return_path.read(p))]
    numbers = [
        (How.RETURN_PATH, Q(delivery_id=delivery, profile_id=profile))
        for delivery, profile in tokens
    ]
    ids = [spelled for i in clue.message_ids for spelled in _spellings(i)]
    if ids:
        numbers.append((How.MESSAGE_ID, Q(message_id__in=ids)))
    if clue.provider_id:
        numbers.append((How.PROVIDER_ID, Q(provider_id=clue.provider_id)))
    return numbers


def _spellings(message_id: str) -> tuple[str, ...]:
    """A Message-ID as files may have it: with angle brackets, and without."""
    bare = message_id.strip().strip("<>").strip()
    return (bare, f"<{bare}>") if bare and len(bare) < 254 else ()


def _by_address_and_period(
    event: FeedbackEvent, key: str | None, received_at: datetime
) -> list[Message]:
    """The messages to the address in the period before, newest first.

    Only what profiles hold now is looked at: an index finds no address of old messages.
    """
    if key is None:
        return []
    at = moments.reported(event.at, received_at)
    sent = Message.objects.filter(
        channel=event.channel,
        profile_id__in=_holders(event.channel, key),
        sent_at__lte=at + CLOCK_SKEW,
        sent_at__gte=at - timedelta(days=settings.FEEDBACK_PERIOD_DAYS),
    )
    newest = sent.select_related("delivery").order_by("-sent_at", "-id")
    return [
        message
        for message in _to_address(newest[: PROPOSED * 4], key)
        if not _contradicts(event, message)
    ][:PROPOSED]


def _to_address(messages: Iterable[Message], key: str | None) -> list[Message]:
    return [m for m in messages if key and key_of(m.channel, m.address) == key]


def _holders(channel: str, key: str | None) -> QuerySet[Any, Any]:
    """The profiles that have an address now."""
    return Address.objects.filter(channel=channel, key=key).values("profile_id")


def _is_enough(message: Message) -> bool:
    """Whether address and period prove a message when nothing else vouches for it."""
    has_number = bool(message.message_id or message.provider_id)
    return settings.FEEDBACK_TRUST_ADDRESS or (
        settings.FEEDBACK_TRUST_UNNUMBERED and not has_number
    )


def _contradicts(event: FeedbackEvent, message: Message) -> bool:
    """Whether the report names another number or return path than the message has."""
    tokens = {t for p in event.clue.return_paths if (t := return_path.read(p))}
    if tokens and (message.delivery_id, message.profile_id) not in tokens:
        return True
    ids = {spelled for i in event.clue.message_ids for spelled in _spellings(i)}
    other_id = bool(ids and message.message_id and message.message_id not in ids)
    provider_id = event.clue.provider_id
    return other_id or bool(
        provider_id and message.provider_id and message.provider_id != provider_id
    )
