"""Signed mail addresses (a mailbox of ours with a token behind a +), and headers.

A token is 0-9a-z and dots, so that it survives whatever becomes of letter case, and
short enough for the part before the @.
"""

import re
from dataclasses import replace

from django.conf import settings

from audiences.links.payloads import CHANNELS, LETTERS, Link
from audiences.links.signing import (
    BadLink,
    Purpose,
    is_short_signature,
    short_signature,
)

# RFC 5321 4.5.3.1.1: the most octets before the @.
LONGEST_LOCAL_PART = 64
_TOKEN = re.compile(r"([0-9a-z]{1,13}(?:\.[0-9a-z]{1,13})*)\.([a-z2-7]{26})")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


# ---------------------------------------------------------------- unsubscribing by mail
def unsubscribe_address(link: Link) -> str:
    """The address that unsubscribes by a mail to it; empty when there is none.

    `unsubscribe+<token>@<domain>` where UNSUBSCRIBE_MAILBOX is `unsubscribe@<domain>`.
    """
    mailbox = settings.UNSUBSCRIBE_MAILBOX
    without_delivery = replace(link, delivery_id=None)
    return tagged(mailbox, mail_token(link)) or tagged(
        mailbox, mail_token(without_delivery)
    )


def mail_token(link: Link) -> str:
    """A token that stands in a mail address: who, where, which service and delivery."""
    return tag(
        Purpose.MAIL,
        base36(link.profile_id),
        LETTERS[link.channel],
        base36(link.service_id or 0),
        base36(link.delivery_id or 0),
    )


def read_mail_token(token: str) -> Link:
    """What the token of a mail address says, in any letter case; raises BadLink."""
    profile_id, letter, service_id, delivery_id = read_tag(Purpose.MAIL, token, 4)
    return Link(
        int(profile_id, 36),
        CHANNELS[letter],
        int(service_id, 36) or None,
        int(delivery_id, 36) or None,
    )


# ---------------------------------------------------------------- tags of any purpose
def tagged(mailbox: str, tag: str) -> str:
    """The mailbox with a tag; empty without a mailbox, and when that is too long."""
    local, at, domain = mailbox.rpartition("@")
    whole = f"{local}+{tag}"
    fits = at and len(whole) <= LONGEST_LOCAL_PART
    return f"{whole}@{domain}" if fits else ""


def tag_of(address: str) -> str:
    """What stands behind the last + before the @, whatever the mailbox and domain.

    A mailbox may have moved; the signature stays.
    """
    local, _at, _domain = address.strip("<> ").rpartition("@")
    return local.rpartition("+")[2]


def tag(salt: str, *parts: str) -> str:
    """The parts with their signature."""
    payload = ".".join(parts)
    return f"{payload}.{short_signature(salt, payload)}"


def read_tag(salt: str, tag: str, count: int) -> list[str]:
    """The parts of a tag that has as many and a good signature; raises BadLink."""
    match = _TOKEN.fullmatch(tag.lower())
    if match is None:
        raise BadLink
    payload, signature = match[1], match[2]
    parts = payload.split(".")
    if len(parts) != count or not is_short_signature(salt, payload, signature):
        raise BadLink
    return parts


def base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"
