"""Text messages and notifications of a delivery, one variant at a time."""

import json
import re
from dataclasses import replace

from audiences.addresses.outgoing import as_sent
from delivery.content import sms_segments
from delivery.models import Delivery
from delivery.transports import Outgoing

from . import filling, headers
from .contents import Variant
from .links import Links
from .message import LinkBook, Rendered
from .places import Marks
from .recipients import Recipient
from .splicing import Facts

_LINK = re.compile(r"https?://\S{1,2000}")


class _Texts:
    """A variant whose text is filled as it is, with a subject that may be empty."""

    def __init__(
        self, delivery: Delivery, variant: Variant, links: Links, *, is_test: bool
    ) -> None:
        self._book = LinkBook(links)
        self._channel = delivery.channel
        marks = Marks()
        self._text, self._subject = (
            filling.texts_of(
                marks.put(text.strip()), marks, filling.say_in_text, self._book.index
            )
            for text in (variant.content, headers.one_line(variant.subject))
        )

    def rendered(self, recipient: Recipient) -> Rendered:
        """The message as the recipient reads it."""
        facts = Facts(
            recipient.profile_id,
            recipient.fields,
            self._book.links(recipient),
        )
        return Rendered(self._subject(facts), self._text(facts))


class TextMessages(_Texts):
    """SMS, whose segments are counted as each recipient gets it."""

    def rendered(self, recipient: Recipient) -> Rendered:
        said = super().rendered(recipient)
        encoding, segments = sms_segments(said.text)
        return replace(said, encoding=encoding, segments=segments)

    def outgoing(self, recipient: Recipient, number: str, date: bytes) -> Outgoing:
        """The SMS to one recipient."""
        return Outgoing(
            recipient.profile_id,
            as_sent(self._channel, recipient.address, recipient.key),
            super().rendered(recipient).text,
            message_id=number,
        )


class Notifications(_Texts):
    """Push: a title, a text, and where a click leads, as JSON.

    Where a click leads is an address that stands on a line of its own; it is no part of
    the text.
    """

    def outgoing(self, recipient: Recipient, number: str, date: bytes) -> Outgoing:
        """The notification to one recipient."""
        said = self.rendered(recipient)
        lines = [line.strip() for line in said.text.splitlines()]
        link = next(filter(_LINK.fullmatch, lines), "")
        text = "\n".join(line for line in lines if line != link or not link).strip()
        body = {"title": said.subject, "text": text, "link": link}
        return Outgoing(
            recipient.profile_id,
            as_sent(self._channel, recipient.address, recipient.key),
            json.dumps(body, ensure_ascii=False),
            message_id=number,
            subject=said.subject,
        )
