"""Mails that unsubscribe: they came to the address of a List-Unsubscribe header."""

import re
from dataclasses import replace

from django.conf import settings

from audiences.links import BadLink, read_mail_token
from delivery.feedback.events import EventKind, FeedbackEvent, MessageClue
from delivery.feedback.mails import addresses, signs
from delivery.feedback.mails.mime import Part, readable
from delivery.feedback.mails.reading import MailEvent

# The whole subject, as a mail client's own unsubscribe button writes it, or a person.
_SUBJECT = re.compile(
    r"(?:(?:re|aw|antw): ?)?(?:please |pls |bitte |graag )?"
    r"(?:unsubscribe|uitschrijven|afmelden|abmelden|abbestellen|opt-?out|stop|"
    r"remove me|take me off|d.sabonne\w+|d.sinscri\w+)"
    r"(?: me| mij| mich)?(?: please| pls| bitte| aub| a\.u\.b\.| svp)?"
    r"(?: (?:\w+ ){0,3}(?:newsletters?|nieuwsbrief|nieuwsbrieven|mailings?|lists?|"
    r"e?-?mails?))?\W*",
    re.IGNORECASE,
)


def wishes_of(mail: Part, recipients: tuple[str, ...]) -> tuple[str, ...]:
    """Our addresses that carry the wish; empty for any other mail.

    An address with a good token says who it is about. Without one the mail proves
    nothing: someone else may have written it. But whoever writes to the mailbox that is
    there for nothing else, or with such a subject, probably means it.
    """
    signed = tuple(address for address in recipients if _has_token(address))
    if signed:
        return signed
    bare = tuple(address for address in recipients if _tag(address) == "")
    if bare and not signs.is_auto_reply(mail):
        return bare[:1]
    is_said = _SUBJECT.fullmatch(readable(mail.get("subject")).strip())
    return recipients[:1] if is_said else ()


def events_of(
    mail: Part, found: tuple[str, ...], clue: MessageClue
) -> list[FeedbackEvent]:
    """A wish for each address. A token says who, or the number of a message that the
    mail answers; the sender proves nothing.
    """
    sender = (addresses.of_header(*mail.all("from")) or [""])[0]
    return [
        MailEvent(
            kind=EventKind.UNSUBSCRIBE,
            address=sender,
            clue=replace(clue, return_paths=(address,)),
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
    """The part after the + of our mailbox, or empty; None for any other mailbox."""
    box, at, box_domain = settings.UNSUBSCRIBE_MAILBOX.lower().rpartition("@")
    local, _at, domain = address.lower().rpartition("@")
    if not at or domain != box_domain:
        return None
    name, _plus, tag = local.partition("+")
    return tag if name == box else None
