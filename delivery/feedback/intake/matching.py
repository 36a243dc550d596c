"""Which message of ours a report is about: what is proved, and what is only likely.

A report counts when it proves that it is about a message that we sent, whether or not
it names, or hides, an address:

1. it came to that message's return path, whose token is signed;
2. it names that message's number (Message-ID, or the provider's): only those who
   handled the message know it. It then counts against the address that we sent that
   message to, whatever address it names: a mailbox that forwards fails somewhere else.
   A number that several messages share is known to all their recipients: without a
   signature such a report is only as good as one by address and period;
3. address and period: a message went to the address within FEEDBACK_PERIOD_DAYS before,
   and nothing contradicts. Anybody can write such a report, so it counts only when a
   provider's signature vouches for it. FEEDBACK_TRUST_UNNUMBERED lets it count for a
   failure without any signature, within narrow limits (`is_trusted`).

Everything else waits for a human, with the messages that it may be about.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audiences import addresses, moments
from audiences.models import Address
from delivery.feedback import return_path
from delivery.feedback.events import FeedbackEvent
from delivery.models import EventKind, InboundItem, Message

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


# A number that a report gives: what kind it is of, and its value as messages have it.
Number = tuple[How, str | tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Report:
    """One event as an item tells it; `is_alone`: the item names no other address."""

    event: FeedbackEvent
    item: InboundItem
    is_alone: bool = True

    @cached_property
    def key(self) -> str | None:
        return key_of(self.event.channel, self.event.address)

    @cached_property
    def numbers(self) -> list[Number]:
        """What the report proves, strongest first."""
        clue = self.event.clue
        tokens = [token for p in clue.return_paths if (token := return_path.read(p))]
        ids = [spelled for i in clue.message_ids for spelled in _spellings(i)]
        given: list[Number] = [(How.RETURN_PATH, token) for token in tokens]
        given += [(How.MESSAGE_ID, number) for number in ids]
        if clue.provider_id:
            given.append((How.PROVIDER_ID, clue.provider_id))
        return given


def reports_of(events: Iterable[FeedbackEvent], item: InboundItem) -> list[Report]:
    """The events of an item, each knowing whether it stands alone."""
    told = list(events)
    is_alone = len({event.address.casefold() for event in told}) < 2
    return [Report(event=event, item=item, is_alone=is_alone) for event in told]


@dataclass(frozen=True)
class Match:
    """The message, if one is proved; else those that the report may be about.

    `is_shared`: its number is that of others too, and so known to their recipients.
    """

    message: Message | None = None
    how: How | None = None
    is_shared: bool = False
    proposals: tuple[Message, ...] = ()


def key_of(channel: str, address: str) -> str | None:
    """The key of an address; None for what cannot be delivered to."""
    if not address:
        return None
    try:
        return addresses.normalise(channel, address).key
    except addresses.InvalidAddress:
        return None


def match_all(reports: list[Report]) -> list[Match]:
    """The message that each report is about, or proposals for a human.

    What the reports number is looked up for all of them at once.
    """
    known = _Numbered(reports)
    return [_match(report, known) for report in reports]


def _match(report: Report, known: "_Numbered") -> Match:
    alike: list[Message] = []
    for how, found in known.messages_of(report):
        if len(found) == 1:
            return Match(found[0], how)
        # One number for many recipients: the address says which.
        alike = alike or found
        if meant := _to_address(found, report.key):
            return Match(meant[0], how, is_shared=len(meant) < len(found))
    likely = _by_address_and_period(report)
    trusted = [message for message in likely if is_trusted(report, message)]
    if trusted and not return_path.is_forged(report.event.clue.return_paths):
        return Match(trusted[0], How.PERIOD)
    return Match(proposals=tuple((likely or alike)[:PROPOSED]))


class _Numbered:
    """The messages that have the numbers that some reports give."""

    def __init__(self, reports: list[Report]) -> None:
        self._found: dict[tuple[str, Number], list[Message]] = defaultdict(list)
        given = {
            (report.event.channel, number)
            for report in reports
            for number in report.numbers
        }
        for channel in sorted({channel for channel, _number in given}):
            for how in (How.RETURN_PATH, How.MESSAGE_ID, How.PROVIDER_ID):
                values = [v for c, (h, v) in given if (c, h) == (channel, how)]
                if values:
                    self._look_up(channel, how, values)

    def _look_up(self, channel: str, how: How, values: list[Any]) -> None:
        messages = Message.objects.filter(_with(how, values), channel=channel)
        most = MOST_ALIKE + 2 * len(values)
        rows = list(messages.order_by("-id").prefetch_related("delivery")[:most])
        if len(rows) == most and len(values) > 1:
            # Some number stands for very many messages: each gets its share.
            for value in values:
                self._look_up(channel, how, [value])
            return
        for message in rows:
            self._found[channel, (how, _value(how, message))].append(message)

    def messages_of(self, report: Report) -> Iterator[tuple[How, list[Message]]]:
        """The messages with a report's numbers, newest first, strongest proof first."""
        channel = report.event.channel
        for how in (How.RETURN_PATH, How.MESSAGE_ID, How.PROVIDER_ID):
            numbers = [number for number in report.numbers if number[0] == how]
            found = {
                m.pk: m for n in numbers for m in self._found.get((channel, n), [])
            }
            if len(found) >= MOST_ALIKE:
                values = [value for _how, value in numbers]
                held = Message.objects.filter(_with(how, values), channel=channel)
                held = held.filter(profile_id__in=_holders(channel, report.key))
                found |= {m.pk: m for m in held.select_related("delivery")[:MOST_ALIKE]}
            yield how, sorted(found.values(), key=lambda m: m.pk, reverse=True)


def _with(how: How, values: list[Any]) -> Q:
    if how != How.RETURN_PATH:
        return Q(**{f"{how.value}__in": values})
    pairs = Q(pk__in=[])
    for delivery in {delivery for delivery, _profile in values}:
        profiles = [profile for d, profile in values if d == delivery]
        pairs |= Q(delivery_id=delivery, profile_id__in=profiles)
    return pairs


def _value(how: How, message: Message) -> Any:
    if how == How.RETURN_PATH:
        return message.delivery_id, message.profile_id
    return message.message_id if how == How.MESSAGE_ID else message.provider_id


def _spellings(message_id: str) -> tuple[str, ...]:
    """A Message-ID as files may have it: with angle brackets, and without."""
    bare = message_id.strip().strip("<>").strip()
    return (bare, f"<{bare}>") if bare and len(bare) < 254 else ()


def _by_address_and_period(report: Report) -> list[Message]:
    """The messages to the address in the period before, newest first.

    Only what profiles hold now is looked at: an index finds no address of old messages.
    """
    event, received_at = report.event, report.item.received_at
    if report.key is None:
        return []
    at = moments.reported(event.at, received_at)
    sent = Message.objects.filter(
        channel=event.channel,
        profile_id__in=_holders(event.channel, report.key),
        sent_at__lte=at + CLOCK_SKEW,
        sent_at__gte=at - timedelta(days=settings.FEEDBACK_PERIOD_DAYS),
    )
    newest = sent.select_related("delivery").order_by("-sent_at", "-id")
    return [
        message
        for message in _to_address(newest[: PROPOSED * 4], report.key)
        if not _contradicts(report, message)
    ][:PROPOSED]


def _to_address(messages: Iterable[Message], key: str | None) -> list[Message]:
    return [m for m in messages if key and key_of(m.channel, m.address) == key]


def _holders(channel: str, key: str | None) -> QuerySet[Any, Any]:
    """The profiles that have an address now."""
    return Address.objects.filter(channel=channel, key=key).values("profile_id")


def is_trusted(report: Report, message: Message) -> bool:
    """Whether address and period prove a message.

    A provider's signature vouches for it. Without one only where the site has chosen so
    (FEEDBACK_TRUST_UNNUMBERED) and nothing else could prove it: messages have neither
    return path nor number. And only for the failure of a single address, in a part that
    is made for programs: a letter proves nothing, and a complaint is a person's will.
    """
    if report.item.is_verified:
        return True
    has_number = bool(message.message_id or message.provider_id)
    return (
        settings.FEEDBACK_TRUST_UNNUMBERED
        and not settings.BOUNCE_MAILBOX
        and not has_number
        and report.is_alone
        and report.event.is_formal
        and report.event.kind in (EventKind.FAILED, EventKind.DELAYED)
    )


def _contradicts(report: Report, message: Message) -> bool:
    """Whether the report names another number or return path than the message has."""
    given: dict[How, set[Any]] = defaultdict(set)
    for how, value in report.numbers:
        given[how].add(value)
    return any(
        (own := _value(how, message)) and own not in values
        for how, values in given.items()
    )
