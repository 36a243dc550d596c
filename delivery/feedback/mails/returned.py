"""The message that a report is about, as far as the report returns it.

It may be whole, only headers (RFC 6522, section 3), or text below a line that says so.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from delivery.feedback.events import MessageClue
from delivery.feedback.mails import addresses
from delivery.feedback.mails.mime import Part, header_fields, headers_and_body

_HEADER_TYPES = {
    "text/rfc822-headers",
    "text/rfc822-header",
    "message/rfc822-headers",
    "message/global-headers",
}
# Parts with fields for programs.
_FIELDS = {
    "message/delivery-status",
    "message/global-delivery-status",
    "message/feedback-report",
}
# The return path of the message, in fields of a report: RFC 5965, 3.2, and Postfix.
_SENDER_FIELDS = ("original-mail-from", "x-postfix-sender")
_MESSAGE_ID = re.compile(r"<([^<>\s]{3,250})>")
# Mailers also name the message in headers of the report, as if replying to it.
_ANSWERED = (
    "in-reply-to",
    "x-original-message-id",
    "original-message-id",
    "references",
)
# A line in the report's text that names it; some leave out the brackets. It is found by
# the end of the line before, as the quote is: far quicker than by its own beginning.
_NAMED = re.compile(
    r"\n[ \t>|]{0,10}(?:Original-|X-Original-)?Message-?ID[ \t]*:[ \t]*(\S.{2,300})$",
    re.IGNORECASE | re.MULTILINE,
)
_BARE_ID = re.compile(r"[\w.$+=/@-]{8,250}")
_MOST_IDS = 10
# The line below which a bounce without parts quotes the message.
_QUOTE = re.compile(
    r"\n(?:[ \t>*]{0,20}(?:[-=_*]{2,40}[ \t]{0,3})?"
    r"(?:below (?:this|the next) line|below is a copy|this is a copy of|"
    r"(?:the )?original (?:message|mail)\b"
    r"(?! (?:was|you|has|had|could|is |to |from |sent|did|cannot|size))|"
    r"(?:unsent|undelivered|returned|your original|"
    r"your returned|rejected|bounced) message (?:follows|below|header|is )|"
    r"unsent message|undelivered message|message (?:headers? )?follows?|"
    r"(?:the )?headers? (?:of the )?(?:original )?(?:message )?follows?|"
    r"(?:included is|here is|following is|copy of|start of|begin) "
    r"(?:a |the |of )?(?:\w+ ){0,3}(?:message|header|mail)|"
    r"message header|original headers?|enclosed is|"
    r"a copy of the (?:original )?message|the (?:text|body|content|header)s? of|"
    r"(?:your|the) (?:original )?message (?:reads|is attached)).{0,80}$"
    r"|(?:Return-Path|Received|X-Apparently-To|DKIM-Signature|ARC-Seal|"
    r"X-Google-Smtp-Source|Delivered-To|Message-ID): ?.{0,900}$)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Returned:
    """Headers of the message that a report returns, or empty if it returns none."""

    headers: tuple[tuple[str, str], ...] = ()

    def all(self, *names: str) -> list[str]:
        return [value for name, value in self.headers if name in names]

    @cached_property
    def recipients(self) -> list[str]:
        return addresses.of_header(*self.all("to", "cc"))

    @cached_property
    def senders(self) -> set[str]:
        """Its senders, who are never the address that failed."""
        named = self.all("from", "sender", "reply-to", "return-path", "x-sender")
        return {found.lower() for found in addresses.of_header(*named)}


def returned_by(mail: Part, quoted: str) -> Returned:
    """The headers of the message within `mail`, else of what its text quotes."""
    for part in mail.walk():
        if part.content_type in _HEADER_TYPES:
            fields = header_fields(part.text())
            if fields:
                return Returned(tuple(fields))
        if part is not mail and part.parts and _is_message(part):
            return Returned(tuple(part.parts[0].headers))
    return Returned(tuple(_quoted_headers(quoted)))


def split_quote(text: str) -> tuple[str, str]:
    """What the reporter says, and the message that it quotes below."""
    match = _QUOTE.search(f"\n{text}")
    if not match:
        return text, ""
    return text[: match.start()], text[match.start() :]


def clue(
    mail: Part, returned: Returned, recipients: tuple[str, ...], report: str = ""
) -> MessageClue:
    """Clues to the message: its number, and where replies were to go.

    `recipients` are those of the mail (`recipients_of`), `report` the text of the
    report, which may name the number in a sentence.
    """
    told = [part.text() for part in mail.own() if part.content_type in _FIELDS]
    within = [part for part in mail.walk() if part is not mail]
    named = [
        *returned.all("message-id", "x-message-id"),
        # A report that was passed on has the report in it, and that the message; some
        # put its headers among those of a part.
        *(part.get("message-id") for part in within),
        *(found for text in (*told, report) for found in _NAMED.findall(f"\n{text}")),
        *mail.all(*_ANSWERED),
    ]
    own = _ids(mail.get("message-id"))
    ids = [number for value in named for number in _ids(value) if number not in own]
    senders = [
        value
        for text in told
        for name, value in header_fields(text)
        if name in _SENDER_FIELDS
    ]
    paths = [*recipients, *addresses.of_header(*returned.all("return-path"), *senders)]
    return MessageClue(
        message_ids=tuple(dict.fromkeys(ids))[:_MOST_IDS],
        return_paths=tuple(dict.fromkeys(paths))[:20],
    )


def _ids(value: str) -> list[str]:
    """The numbers in a header: in angle brackets, or a single one without."""
    value = value[:4_000].strip()
    found = _MESSAGE_ID.findall(value)
    return found or ([value] if _BARE_ID.fullmatch(value) else [])


def recipients_of(mail: Part) -> tuple[str, ...]:
    """The addresses that a mail was sent to, from any header that has them."""
    named = mail.all(
        "to", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to",
        "x-delivered-to", "cc",
    )  # fmt: skip
    return tuple(addresses.of_header(*named)[:20])


def _is_message(part: Part) -> bool:
    return part.content_type.startswith("message/")


def _quoted_headers(quoted: str) -> list[tuple[str, str]]:
    """Headers somewhere below the line; they may begin after a gap."""
    best: list[tuple[str, str]] = []
    for block in re.split(r"\n[ \t]*\n", quoted[:16_000])[:4]:
        fields, _body = headers_and_body(block.lstrip().encode())
        if len(fields) > len(best):
            best = fields
    return best
