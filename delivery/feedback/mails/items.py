"""Mails as inbound items: read, and sorted for the intake."""

import re

from django.utils import translation

from audiences.channels import Channel
from delivery.feedback import intake
from delivery.feedback.intake import Findings
from delivery.feedback.mails.reading import SOURCE, MailKind
from delivery.models import InboundItem

from . import reader

State = InboundItem.State
# What becomes of a mail without events.
_OTHERWISE = {
    MailKind.AUTO_REPLY: State.IGNORED,
    MailKind.NOTICE: State.IGNORED,
    MailKind.UNREADABLE: State.UNREADABLE,
}
# How much of an unreadable mail is searched for addresses.
_SEARCHED = 50_000
_MOST_NAMES = 50
_ADDRESS = re.compile(rb"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")


def read_item(item: InboundItem) -> Findings:
    """The events of a mail; one that we cannot understand waits for a human."""
    raw = bytes(item.raw)
    reading = reader.read(raw)
    otherwise = _OTHERWISE.get(reading.kind, State.UNCLEAR)
    understood = reading.events or otherwise == State.IGNORED
    return Findings(
        events=reading.events,
        otherwise=otherwise,
        note=_in_english(reading.kind),
        mentions=() if understood else _names(raw),
    )


def _in_english(kind: MailKind) -> str:
    """What is stored is the same in every language; the console translates it."""
    with translation.override(None):
        return str(kind.label)


def _names(raw: bytes) -> tuple[tuple[str, str], ...]:
    """Addresses in a waiting mail, so that searches and erasures find it."""
    found = {m.decode("ascii", "replace") for m in _ADDRESS.findall(raw[:_SEARCHED])}
    return tuple((str(Channel.EMAIL), name) for name in sorted(found)[:_MOST_NAMES])


def register() -> None:
    """Let intake read mails."""
    intake.register(SOURCE, read_item)
