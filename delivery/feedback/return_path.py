"""The return path of a message: an address that bounces come back to, with a token.

`bounces+<token>@<domain>` where BOUNCE_MAILBOX is `bounces@<domain>`. The token names
the message and is signed, so that a bounce to it is about a message that we sent:
nobody but its recipient and the servers on its way has seen it.
"""

import re
from collections.abc import Iterable

from django.conf import settings

from audiences.links import tokens

_SALT = "delivery.feedback.return_path"
# 0-9a-z and dots, whatever becomes of letter case.
_TOKEN = re.compile(r"([0-9a-z]{1,13})\.([0-9a-z]{1,13})\.([a-z2-7]{26})")


def address(delivery_id: int, profile_id: int) -> str:
    """The return path of the message of a delivery to a profile; empty: there is none.

    The part before the @ has at most 64 octets (RFC 5321 4.5.3.1.1).
    """
    local, at, domain = settings.BOUNCE_MAILBOX.rpartition("@")
    if not at:
        return ""
    whole = f"{local}+{token(delivery_id, profile_id)}"
    return f"{whole}@{domain}" if len(whole) <= tokens.LONGEST_LOCAL_PART else ""


def token(delivery_id: int, profile_id: int) -> str:
    """The signed name of a message."""
    payload = f"{tokens.base36(delivery_id)}.{tokens.base36(profile_id)}"
    return f"{payload}.{tokens.short_signature(_SALT, payload)}"


def read(text: str) -> tuple[int, int] | None:
    """Delivery and profile that a return path of ours names; None for any other.

    Any tag and domain are read: a mailbox may have moved, the signature stays.
    """
    local, _at, _domain = text.strip("<> ").rpartition("@")
    _mailbox, _plus, tag = local.rpartition("+")
    match = _TOKEN.fullmatch(tag.lower())
    if match is None:
        return None
    payload, _dot, signature = match[0].rpartition(".")
    if not tokens.is_short_signature(_SALT, payload, signature):
        return None
    return int(match[1], 36), int(match[2], 36)


def is_forged(paths: Iterable[str]) -> bool:
    """Whether one of them looks like a return path of ours and has no good token.

    The bare mailbox does not: mailers that lose the tag exist.
    """
    mailbox, at, domain = settings.BOUNCE_MAILBOX.lower().rpartition("@")
    start, end = f"{mailbox}+", f"@{domain}"
    found = [path.strip("<> ").lower() for path in paths]
    return bool(at) and any(
        path.startswith(start) and path.endswith(end) and read(path) is None
        for path in found
    )
