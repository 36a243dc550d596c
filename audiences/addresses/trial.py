"""A site on trial: only addresses of a list receive anything, whatever is sent.

`TRIAL_RECIPIENTS` names addresses (`ann@example.org`, `+31612345678`) and domains
(`@example.org`, without its subdomains). While it names anything, even something that
cannot be read, everybody else gets nothing.
"""

import functools

from django.conf import settings

from audiences.channels import Channel

from .keys import InvalidAddress, normalise

# What becomes of a message to somebody who is not on the list.
TRIAL = "trial"
NUMBERS = (Channel.SMS, Channel.PHONE, Channel.FAX)


def is_on() -> bool:
    """Whether the site is on trial."""
    return bool(settings.TRIAL_RECIPIENTS)


def allows(channel: str, address: str) -> bool:
    """Whether something may be sent to an address, as stored or as a key."""
    if not is_on():
        return True
    listed = _listed(tuple(settings.TRIAL_RECIPIENTS), channel)
    key = _key(channel, address)
    is_mail = channel == Channel.EMAIL
    domain = f"@{key.rpartition('@')[2]}" if is_mail and "@" in key else None
    return key in listed or domain in listed


def unreadable() -> list[str]:
    """Entries of the list that name nobody."""
    channels = (Channel.EMAIL, *NUMBERS)
    return [
        text
        for text in settings.TRIAL_RECIPIENTS
        if not any(_entry(text, channel) for channel in channels)
    ]


@functools.lru_cache(maxsize=32)
def _listed(entries: tuple[str, ...], channel: str) -> frozenset[str]:
    """The keys and domains that the list names on a channel."""
    return frozenset(filter(None, (_entry(text, channel) for text in entries)))


def _entry(text: str, channel: str) -> str:
    if channel == Channel.EMAIL and text.startswith("@"):
        example = _read(channel, f"x{text}")
        return example.removeprefix("x")
    if channel not in (Channel.EMAIL, *NUMBERS):
        return _read(channel, text) or text
    return _read(channel, text)


def _read(channel: str, text: str) -> str:
    try:
        return normalise(channel, text).key
    except InvalidAddress:
        return ""


def _key(channel: str, address: str) -> str:
    return _read(channel, address) or address
