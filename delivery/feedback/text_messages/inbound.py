"""Text messages from recipients: judged, applied, and answered at most once.

STOP denies the number (Q4); the profile's flags and its other channels stay as they
are. START undoes a STOP and nothing else. An unclear message holds the number until
someone decides.
"""

from dataclasses import dataclass
from datetime import datetime

import phonenumbers
from django.conf import settings

from audiences import addresses
from audiences.addresses import InvalidAddress
from audiences.channels import Channel
from audiences.models import AddressStatus
from delivery import quarantine
from delivery.feedback import intake
from delivery.feedback.events import FeedbackEvent
from delivery.feedback.intake import Findings
from delivery.feedback.intake.concluding import conclude
from delivery.feedback.text_messages import keywords
from delivery.feedback.text_messages.keywords import (
    KeywordAction,
    KeywordTable,
    KeywordVerdict,
)
from delivery.models import EventKind, InboundItem, MessageEvent

State = InboundItem.State
# Characters of a text that are shown to those who decide.
NOTED = 500


@dataclass(frozen=True, kw_only=True)
class InboundText:
    """A text message as a provider reports it.

    `to` is our number. `provider_says` is what the provider itself took it for: it has
    then already answered and blocked the number, whatever we think.
    """

    number: str
    to: str
    text: str
    event_id: str
    at: datetime | None = None
    provider_says: KeywordAction | None = None


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A text message, what it asks for, and who sent it."""

    text: InboundText
    key: str
    verdict: KeywordVerdict
    language: str
    table: KeywordTable


def judged(text: InboundText) -> Judged:
    """What a text asks for; raises InvalidAddress if its sender is not a number."""
    key = addresses.normalise(Channel.SMS, text.number).key
    table = keywords.load_table()
    language = _language_of(key)
    verdict = keywords.judge(
        text.text,
        table,
        to=text.to,
        language=(language or settings.LANGUAGE_CODE).partition("-")[0].lower(),
        region=phonenumbers.region_code_for_number(phonenumbers.parse(key)) or "",
    )
    return Judged(
        text=text,
        key=key,
        verdict=_with_provider(verdict, text.provider_says),
        language=language,
        table=table,
    )


def _with_provider(
    verdict: KeywordVerdict, says: KeywordAction | None
) -> KeywordVerdict:
    """The provider's STOP counts; its START only if the text does not contradict it."""
    contrary = (KeywordAction.OPT_OUT, KeywordAction.REVIEW)
    if says is None or says == verdict.action:
        return verdict
    if says == KeywordAction.OPT_OUT or verdict.action not in contrary:
        return KeywordVerdict(action=says)
    return verdict


def _language_of(key: str) -> str:
    """The language of a profile with this number, or empty if none is known."""
    holders = addresses.with_key(Channel.SMS, key).exclude(profile__language="")
    found = holders.order_by("pk").values_list("profile__language", flat=True).first()
    return found or ""


_KINDS = {
    KeywordAction.OPT_OUT: EventKind.STOP,
    KeywordAction.OPT_IN: EventKind.START,
}


def findings(text: InboundText, item: InboundItem) -> Findings:
    """What a reader of text messages reports to the intake.

    An unclear one leaves the item held, and with it the number (`holds`).
    """
    try:
        found = judged(text)
    except InvalidAddress as error:
        return Findings(
            otherwise=State.UNREADABLE, note=f"{text.number}: {error}"[:500]
        )
    mentions = ((str(Channel.SMS), found.key),)
    action = found.verdict.action
    if action in _KINDS:
        event = FeedbackEvent(
            kind=_KINDS[action],
            channel=Channel.SMS,
            address=found.key,
            source=item.source,
            text=text.text,
            at=text.at,
            event_id=text.event_id,
        )
        return Findings(events=(event,), mentions=mentions)
    if action == KeywordAction.REVIEW:
        return Findings(otherwise=State.HELD, note=_noted(text.text), mentions=mentions)
    return Findings(note=_noted(text.text), mentions=mentions)


def _noted(text: str) -> str:
    """A text for those who decide: of a long one, how it begins and how it ends."""
    return text if len(text) <= NOTED else f"{text[: NOTED - 153]} … {text[-150:]}"


def stop(item: InboundItem, *, actor: str) -> InboundItem:
    """An operator decides that an unclear message means STOP."""
    for mention in item.mentions.filter(channel=Channel.SMS):
        event = FeedbackEvent(
            kind=EventKind.STOP,
            channel=Channel.SMS,
            address=mention.key,
            source=item.source,
            text=item.note,
            at=item.received_at,
            event_id=f"decided:{item.pk}",
        )
        intake.apply(event, item)
    return conclude(item, State.APPLIED, note=item.note, actor=actor)


# ------------------------------------------------------------------ the answer
def take(text: InboundText, item: InboundItem) -> str:
    """Read an item that has just arrived; returns the reply to send back, if any.

    A STOP is confirmed once: later ones are not until a START. The reply belongs to no
    delivery, so the denylist does not stop it. A START is confirmed if it changed
    something. A repeated call gets no reply.
    """
    if item.state != State.NEW:
        return ""
    try:
        found = judged(text)
    except InvalidAddress:
        intake.process(item)
        return ""
    was_reached = _is_reached(found.key)
    intake.process(item)
    action = found.verdict.action
    silent = text.provider_says is not None or not {
        KeywordAction.OPT_OUT: _is_first_stop(item, found.key),
        KeywordAction.OPT_IN: not was_reached and _is_reached(found.key),
        KeywordAction.HELP: True,
    }.get(action, False)
    if silent:
        return ""
    return keywords.reply_to(
        found.verdict, found.table, language=found.language, to=text.to
    )


def _is_reached(key: str) -> bool:
    entry = quarantine.entry_of(Channel.SMS, key)
    return entry is None or entry.status in (
        AddressStatus.VALID,
        AddressStatus.ERRONEOUS,
    )


def _is_first_stop(item: InboundItem, key: str) -> bool:
    events = MessageEvent.objects.filter(channel=Channel.SMS, key=key)
    start = events.filter(kind=EventKind.START).order_by("-at").first()
    stops = events.filter(kind=EventKind.STOP)
    if start is not None:
        stops = stops.filter(at__gt=start.at)
    first = stops.order_by("pk").first()
    return first is not None and first.item_id == item.pk
