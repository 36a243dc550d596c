"""Mails that unsubscribe: they came to the address of a List-Unsubscribe header."""

from django.conf import settings

from audiences.channels import Channel
from audiences.links import BadLink, read_mail_token

from . import addresses
from .events import EventKind, FeedbackEvent, MessageClue
from .mime import Part
from .reading import SOURCE


def unsubscribe_addresses(recipients: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the addresses that carry a token of ours, forged ones left out."""
    return tuple(address for address in recipients if _has_token(address))


def is_for_mailbox(recipients: tuple[str, ...]) -> bool:
    """Whether the mail came to UNSUBSCRIBE_MAILBOX, with a good token or not."""
    return any(_tag(address) is not None for address in recipients)


def events_of(mail: Part, found: tuple[str, ...]) -> list[FeedbackEvent]:
    """A wish for each token. The token says who; the sender's address proves nothing."""
    sender = (addresses.of_header(*mail.all("from")) or [""])[0]
    return [
        FeedbackEvent(
            kind=EventKind.UNSUBSCRIBE,
            channel=Channel.EMAIL,
            address=sender,
            source=SOURCE,
            clue=MessageClue(return_paths=(address,)),
        )
        for address in found
    ]


def _has_token(address: str) -> bool:
    try:
        read_mail_token(_tag(address) or "")
    except BadLink:
        return False
    return True


def _tag(address: str) -> str | None:
    """What stands after the + of our mailbox, empty without; None for another one."""
    box, at, box_domain = settings.UNSUBSCRIBE_MAILBOX.lower().rpartition("@")
    local, _at, domain = address.lower().rpartition("@")
    if not at or domain != box_domain:
        return None
    name, _plus, tag = local.partition("+")
    return tag if name == box else None
