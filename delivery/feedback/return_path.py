"""The return path of a message: an address that bounces come back to, with a token.

`bounces+<token>@<domain>` where BOUNCE_MAILBOX is `bounces@<domain>`. The token names
the message and is signed, so that a bounce to it is about a message that we sent:
nobody but its recipient and the servers on its way has seen it.
"""

from collections.abc import Iterable

from django.conf import settings

from audiences.links import BadLink, mail_addresses
from audiences.links.mail_addresses import base36

# For ever: bounces come back to what was signed with it.
SALT = "delivery.feedback.return_path"


def address(delivery_id: int, profile_id: int) -> str:
    """The return path of the message of a delivery to a profile; empty without."""
    return mail_addresses.tagged(
        settings.BOUNCE_MAILBOX, token(delivery_id, profile_id)
    )


def token(delivery_id: int, profile_id: int) -> str:
    """The signed name of a message."""
    return mail_addresses.tag(SALT, base36(delivery_id), base36(profile_id))


def read(text: str) -> tuple[int, int] | None:
    """Delivery and profile that a return path of ours names; None for any other."""
    tag = mail_addresses.tag_of(text)
    try:
        delivery_id, profile_id = mail_addresses.read_tag(SALT, tag, 2)
    except BadLink:
        return None
    return int(delivery_id, 36), int(profile_id, 36)


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
