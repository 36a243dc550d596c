"""Handing mails over by a backend of Django, and by anymail's for providers.

Backends that write mails get ours as it is. A provider's API takes a mail apart: it
gets the parts, with the headers that are not its own.
"""

import smtplib
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import EmailMessage as Parsed, Message
from email.parser import BytesParser
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection

from delivery.transports.handing_over import (
    NotThere,
    Outgoing,
    Result,
    Uncertain,
    later,
    refused,
    taken,
)

from .providers import result_of_error, result_of_status

ANYMAIL = "anymail."
# Those that a provider writes itself, or that say what the parts say.
_OWN = frozenset(
    "from to reply-to subject date mime-version content-type "
    "content-transfer-encoding".split()
)


class _AsItIs(EmailMessage):
    """A mail that is composed already."""

    def __init__(self, outgoing: Outgoing) -> None:
        super().__init__(outgoing.subject, "", outgoing.sender, [outgoing.address])
        self._bytes = _bytes(outgoing)

    def message(self, *args: Any, **kwargs: Any) -> Any:
        return _Bytes(self._bytes)


class _Bytes(Message):
    """A message that is written as the bytes that it was read from."""

    def __init__(self, raw: bytes) -> None:
        super().__init__()
        read = message_from_bytes(raw)
        self._headers = read._headers  # type: ignore[attr-defined]
        self.set_payload(read.get_payload())
        self._raw = raw

    def as_bytes(self, *args: Any, **kwargs: Any) -> bytes:
        return self._raw.replace(b"\r\n", b"\n")


class DjangoTransport:
    """A connection of the backend that EMAIL_URL names."""

    def __init__(self) -> None:
        self._backend = get_connection()
        self._is_provider = settings.EMAIL_BACKEND.startswith(ANYMAIL)
        self._is_open = False

    def open(self) -> None:
        """Connect, where the backend connects; raises NotThere."""
        if self._is_open:
            return
        try:
            self._backend.open()
        except (OSError, smtplib.SMTPException) as error:
            raise NotThere(str(error)) from error
        self._is_open = True

    def close(self) -> None:
        """End the connection."""
        self._is_open = False
        with suppress(OSError, smtplib.SMTPException):
            self._backend.close()

    def hand_over(self, message: Outgoing) -> Result:
        """Give a mail to the backend; raises Uncertain for what it did not say."""
        try:
            self.open()
            if self._is_provider and message.needs_utf8:
                return refused("5.6.7", "Providers take no address that needs SMTPUTF8")
            mail = _taken_apart(message) if self._is_provider else _AsItIs(message)
        except NotThere as error:
            return later("", str(error))
        try:
            count = self._backend.send_messages([mail])
        except Exception as error:
            self.close()
            if self._is_provider:
                return result_of_error(error)
            raise Uncertain(type(error).__name__) from error
        if self._is_provider:
            return result_of_status(mail, message.address)
        if count != 1:
            raise Uncertain("The mail backend does not say that it took the mail.")
        return taken()


def _taken_apart(outgoing: Outgoing) -> EmailMultiAlternatives:
    """The mail as its parts, for a provider's API."""
    read = BytesParser(Parsed, policy=policy.SMTP).parsebytes(_bytes(outgoing))
    headers = {
        name: str(value) for name, value in read.items() if name.lower() not in _OWN
    }
    reply_to = [str(read["reply-to"])] if read["reply-to"] else None
    mail = EmailMultiAlternatives(
        str(read["subject"]),
        _text(read, "plain"),
        str(read["from"]),
        [str(read["to"])],
        headers=headers,
        reply_to=reply_to,
    )
    if html := _text(read, "html"):
        mail.attach_alternative(html, "text/html")
    return mail


def _text(read: Parsed, kind: str) -> str:
    part = read.get_body((kind,))
    return str(part.get_content()) if part else ""


def _bytes(outgoing: Outgoing) -> bytes:
    body = outgoing.body
    return body.encode() if isinstance(body, str) else body
