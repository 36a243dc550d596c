"""Handing mails over by SMTP, one recipient each, at most once.

The three commands before the message leave in one write where the server offers that
(RFC 2920), and each answer is looked at. Until the final dot has left, nothing was
handed over, and whatever breaks is tried again. From then on only an answer makes it
certain.
"""

import re
import ssl

from django.conf import settings

from delivery.transports.handing_over import (
    NotThere,
    Outgoing,
    Result,
    Uncertain,
    later,
    refused,
    taken,
)

from .connection import CLOSING, Broken, Connection, Reply, tls

_GO_AHEAD = 354
# A server may look into the message before it answers (RFC 5321, 4.5.3.2.6).
_PATIENCE = 4
# In an address these would end the command, or begin another address.
_UNFIT = re.compile(r"[\x00-\x1f\x7f<>]")
_BARE = re.compile(rb"\r\n|\r|\n")


class Closed(Exception):
    """The connection ended before the message began; `result` if that is the end."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.text)
        self.result = result


class SmtpTransport:
    """One connection to the server of EMAIL_URL."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._secured: ssl.SSLContext | None = None

    def open(self) -> None:
        """Connect and log in; raises NotThere."""
        self._opened()

    def _opened(self) -> Connection:
        if self._connection is None:
            self._secured = self._secured or tls()
            self._connection = Connection(self._secured)
        return self._connection

    def close(self) -> None:
        self._end(politely=True)

    def hand_over(self, message: Outgoing) -> Result:
        """Give a mail to the server; raises Uncertain. One not there is LATER."""
        was_open = self._connection is not None
        try:
            return self._on_open(message)
        except Closed as error:
            # One that was kept open may have ended between two messages.
            if not was_open:
                return error.result
        try:
            return self._on_open(message)
        except Closed as error:
            return error.result

    def _on_open(self, message: Outgoing) -> Result:
        """The same on the connection, opened if need be; raises Closed."""
        try:
            connection = self._opened()
        except NotThere as error:
            return later("", str(error))
        if unfit := _why_unfit(connection, message):
            return unfit
        body = _on_the_wire(message.body)
        if refusal := self._announced(connection, message, body):
            return refusal
        return self._given(connection, body)

    def _announced(
        self, connection: Connection, message: Outgoing, body: bytes
    ) -> Result | None:
        """The envelope: why the server refuses it, or nothing; raises Closed."""
        try:
            replies = _envelope(connection, message, body)
        except Broken as error:
            self._end()
            raise Closed(later("", str(error))) from error
        closing = next((r for r in replies if r.basic == CLOSING), None)
        if closing is not None:
            self._end()
            raise Closed(_refusal(closing))
        bad = next((r for r in replies if not r.is_good), None)
        if bad is not None:
            self._reset(connection, replies)
            return _refusal(bad)
        if replies[-1].basic != _GO_AHEAD:
            self._end()
            return later(replies[-1].code, f"No go-ahead: {replies[-1].text}")
        return None

    def _given(self, connection: Connection, body: bytes) -> Result:
        """The message itself, after the go-ahead."""
        try:
            connection.write(body)
        except Broken as error:
            # The dot that ends it has not left: no server keeps such a message.
            self._end()
            return later("", str(error))
        try:
            answer = connection.read(_PATIENCE)
        except Broken as error:
            self._end()
            raise Uncertain(f"No answer to the message: {error}") from error
        return self._concluded(connection, answer)

    def _concluded(self, connection: Connection, answer: Reply) -> Result:
        connection.count += 1
        if answer.basic == CLOSING:
            self._end()
        elif connection.count >= settings.SMTP_MESSAGES:
            self._end(politely=True)
        if 200 <= answer.basic < 300:
            return taken(code=answer.code, text=answer.text)
        if answer.basic >= 400:
            return _refusal(answer)
        self._end()
        raise Uncertain(f"Not an answer to a message: {answer.basic} {answer.text}")

    def _reset(self, connection: Connection, replies: list[Reply]) -> None:
        """After a refusal the next message begins anew (RFC 5321, 4.1.1.5)."""
        try:
            if len(replies) == 3 and replies[-1].basic == _GO_AHEAD:
                # It waits for a message, which goes to nobody (RFC 2920, 3.1).
                connection.say(b".")
            is_reset = connection.say(b"RSET").is_good
        except Broken:
            is_reset = False
        if not is_reset:
            self._end()

    def _end(self, *, politely: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(politely=politely)


def _why_unfit(connection: Connection, message: Outgoing) -> Result | None:
    """Why this server cannot be given the message at all."""
    if _UNFIT.search(message.address) or _UNFIT.search(message.sender):
        return refused("5.1.3", "The address holds characters that no address has.")
    if message.needs_utf8 and not connection.offers("smtputf8"):
        return refused(
            "5.6.7", "The address needs SMTPUTF8 (RFC 6531): the server lacks it."
        )
    if connection.largest and len(message.body) > connection.largest:
        return refused("5.3.4", f"The server takes at most {connection.largest} bytes.")
    return None


def _envelope(connection: Connection, message: Outgoing, body: bytes) -> list[Reply]:
    """The answers to MAIL, RCPT and DATA, up to the first that refuses."""
    facts = ""
    if message.needs_utf8:
        facts += " SMTPUTF8"
    if connection.offers("8bitmime"):
        facts += " BODY=8BITMIME" if not body.isascii() else ""
    if connection.offers("size"):
        facts += f" SIZE={len(body)}"
    commands = [
        f"MAIL FROM:<{message.sender}>{facts}".encode(),
        f"RCPT TO:<{message.address}>".encode(),
        b"DATA",
    ]
    together = connection.offers("pipelining")
    if together:
        connection.write(b"\r\n".join(commands) + b"\r\n")
    replies: list[Reply] = []
    for command in commands:
        replies.append(connection.read() if together else connection.say(command))
        last = replies[-1]
        if last.basic == CLOSING or (not together and not last.is_good):
            break
    return replies


def _on_the_wire(body: bytes | str) -> bytes:
    """The mail with its dots doubled and the dot that ends it (RFC 5321, 4.5.2).

    A line break that is not CRLF would let a mail hold another one.
    """
    data = body.encode() if isinstance(body, str) else body
    breaks = data.count(b"\r\n")
    if data.count(b"\n") != breaks or data.count(b"\r") != breaks:
        data = _BARE.sub(b"\r\n", data)
    if b"\r\n." in data:
        data = data.replace(b"\r\n.", b"\r\n..")
    if data.startswith(b"."):
        data = b"." + data
    return data + (b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n")


def _refusal(reply: Reply) -> Result:
    """4xx passes (RFC 5321, 4.2.1); everything else is for good."""
    if reply.is_passing:
        return later(reply.code, reply.text)
    return refused(reply.code, reply.text)
