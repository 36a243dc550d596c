"""A mail server for this machine only: it takes every mail and passes none on.

As much of SMTP as our own transport and Django speak (RFC 5321), with PIPELINING,
8BITMIME, SMTPUTF8 and SIZE. It listens on 127.0.0.1 and runs in a thread.
"""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

HOST = "127.0.0.1"
LARGEST = 30_000_000
_LONGEST_LINE = 4_096
_MOST_RECIPIENTS = 100
_END = b"\r\n.\r\n"
_OFFERS = (
    f"250-{HOST}\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
    f"250 SIZE {LARGEST}\r\n"
).encode()
_ANSWERS = {
    "EHLO": _OFFERS,
    "HELO": f"250 {HOST}\r\n".encode(),
    "DATA": b"354 Go ahead\r\n",
    "RSET": b"250 2.0.0 Ok\r\n",
    "NOOP": b"250 2.0.0 Ok\r\n",
    "QUIT": b"221 2.0.0 Bye\r\n",
    "?": b"421 4.5.2 A line without an end\r\n",
}
_ADDRESS = re.compile(r"[^<]{0,20}<([^<>]{0,1000})>(.{0,1000})", re.DOTALL)
_SIZE = re.compile(r"\bSIZE=(\d{1,12})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Received:
    """A mail as it arrived: its envelope, and its bytes with CRLF."""

    sender: str
    recipients: tuple[str, ...]
    body: bytes


# What is done with a mail, before whoever sent it is told that it was taken.
Take = Callable[[Received], None]


class _Session(asyncio.Protocol):
    """One connection; answers leave in one write for what came in one."""

    transport: asyncio.Transport

    def __init__(self, take: Take) -> None:
        self._take = take
        self._rest = bytearray()
        # Where the end of a message may begin: what lies before was looked at.
        self._looked = 0
        self._is_message = False
        self._begin()

    def _begin(self) -> None:
        self._sender: str | None = None
        self._recipients: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self.transport = transport
        transport.write(b"220 demo ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._rest += data
        answers = []
        while not self.transport.is_closing():
            if self._is_message:
                answer = self._message()
            elif line := self._line():
                answer = self._answer(line)
            else:
                answer = b""
            if not answer:
                break
            answers.append(answer)
            if answer.startswith((b"221", b"421")):
                self.transport.write(b"".join(answers))
                self.transport.close()
                return
        self.transport.write(b"".join(answers))

    def _line(self) -> str:
        """The next line with its end; empty when it has not arrived yet."""
        at = self._rest.find(b"\n")
        if at < 0:
            return "?" if len(self._rest) > _LONGEST_LINE else ""
        line = bytes(self._rest[: at + 1])
        del self._rest[: at + 1]
        return line.decode("utf-8", "replace")

    def _message(self) -> bytes:
        """The answer to the message; empty when its end has not arrived yet."""
        at = 0
        if not self._rest.startswith(_END[2:]):
            at = self._rest.find(_END, self._looked) + 2
            if at < 2:
                self._looked = max(0, len(self._rest) - len(_END))
                return b"421 4.3.1 Too long\r\n" if self._looked > LARGEST else b""
        body = bytes(self._rest[:at])
        del self._rest[: at + len(_END) - 2]
        self._is_message, self._looked = False, 0
        # Doubled dots at the beginning of lines (RFC 5321, 4.5.2).
        body = body.replace(b"\r\n..", b"\r\n.")
        body = body[1:] if body.startswith(b"..") else body
        self._take(Received(self._sender or "", tuple(self._recipients), body))
        self._begin()
        return b"250 2.0.0 Ok\r\n"

    def _answer(self, line: str) -> bytes:
        word = line[:4].upper()
        if word in ("EHLO", "HELO", "RSET"):
            self._begin()
        elif word == "DATA" and self._recipients:
            self._is_message = True
        elif word in _WITH_ADDRESS:
            return _WITH_ADDRESS[word](self, line)
        elif word == "DATA":
            return b"503 5.5.1 Who is it for?\r\n"
        return _ANSWERS.get(word, b"502 5.5.1 What?\r\n")

    def _mail(self, line: str) -> bytes:
        found = _ADDRESS.match(line)
        if found is None:
            return b"501 5.1.7 MAIL FROM:<address>\r\n"
        size = _SIZE.search(found[2])
        if size and int(size[1]) > LARGEST:
            return b"552 5.3.4 Too long\r\n"
        self._begin()
        self._sender = found[1]
        return b"250 2.1.0 Ok\r\n"

    def _recipient(self, line: str) -> bytes:
        found = _ADDRESS.match(line)
        if self._sender is None:
            return b"503 5.5.1 Who is it from?\r\n"
        if found is None or not found[1]:
            return b"501 5.1.3 RCPT TO:<address>\r\n"
        if len(self._recipients) >= _MOST_RECIPIENTS:
            return b"452 4.5.3 Too many\r\n"
        self._recipients.append(found[1])
        return b"250 2.1.5 Ok\r\n"


_WITH_ADDRESS = {"MAIL": _Session._mail, "RCPT": _Session._recipient}


@contextmanager
def running(take: Take, port: int = 0) -> Iterator[int]:
    """The server, in a thread until the end; yields its port. Raises OSError."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        loop.create_server(lambda: _Session(take), HOST, port, backlog=256)
    )
    thread = threading.Thread(target=loop.run_forever, name="mail-server", daemon=True)
    thread.start()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=5)
        server.close()
        if not thread.is_alive():
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
