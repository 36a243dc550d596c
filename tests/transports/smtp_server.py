"""A mail server on this machine that answers as it is told, hangs, and hangs up."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

CUT, HANG = "CUT", "HANG"
_GOOD = {
    "CONNECT": "220 sink ESMTP",
    "MAIL": "250 2.1.0 Ok",
    "RCPT": "250 2.1.5 Ok",
    "DATA": "354 Go ahead",
    "MESSAGE": "250 2.0.0 Ok: queued as 1",
    "RSET": "250 2.0.0 Ok",
    "NOOP": "250 Ok",
    "QUIT": "221 Bye",
}


@dataclass
class Sink:
    """What the server took and was told; `says` has other answers, used up in turn.

    The key is a command, `CONNECT`, or `MESSAGE` for the end of a mail. The last answer
    of a list stays. `CUT` ends the connection instead, `HANG` says nothing more.
    """

    port: int = 0
    offers: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 100000")
    says: dict[str, list[str]] = field(default_factory=dict)
    mails: list[tuple[str, str, bytes]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    reads: list[bytes] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, command: str) -> str:
        told = self.says.get(command)
        if not told:
            return _GOOD.get(command, "502 What?")
        return told.pop(0) if len(told) > 1 else told[0]

    def ehlo(self) -> str:
        return "\r\n".join(
            [*(f"250-{line}" for line in ("sink", *self.offers)), "250 HELP"]
        )


class _Session(socketserver.BaseRequestHandler):
    sink: Sink

    def handle(self) -> None:
        self.sink.connections += 1
        self.rest = b""
        sender = recipient = ""
        try:
            self.say("CONNECT")
            while True:
                line = self.line()
                word = line[:4].upper()
                self.sink.commands.append(line)
                if word == "EHLO":
                    self.request.sendall(self.sink.ehlo().encode() + b"\r\n")
                    continue
                lacks = (word == "DATA" and not recipient) or (
                    word == "RCPT" and not sender
                )
                if lacks and word not in self.sink.says:
                    self.request.sendall(b"503 5.5.1 Not now\r\n")
                    continue
                answer = self.say(word)
                is_good = answer.startswith("2")
                if word == "MAIL":
                    given = line[10:].partition(">")[0].removeprefix("<")
                    sender, recipient = given if is_good else "", ""
                elif word == "RCPT" and is_good:
                    recipient = line[8:].partition(">")[0].removeprefix("<")
                elif answer.startswith("354"):
                    self.take(sender, recipient, self.message())
                if word == "QUIT":
                    return
        except (ConnectionError, OSError, EOFError):
            return

    def take(self, sender: str, recipient: str, mail: bytes) -> None:
        """Keep the mail, if it is good, before anybody is told."""
        answer = self.sink.answer("MESSAGE")
        if answer.startswith("250") and recipient:
            self.sink.mails.append((sender, recipient, mail))
        self.give(answer)

    def say(self, command: str) -> str:
        return self.give(self.sink.answer(command))

    def give(self, answer: str) -> str:
        if answer == HANG:
            self.sink.over.wait(120)
            raise EOFError
        if answer == CUT:
            self.request.shutdown(socket.SHUT_RDWR)
            raise EOFError
        self.request.sendall(answer.encode() + b"\r\n")
        if answer.startswith("421"):
            self.request.shutdown(socket.SHUT_RDWR)
            raise EOFError
        return answer

    def until(self, end: bytes) -> bytes:
        while end not in self.rest:
            got = self.request.recv(65536)
            if not got:
                raise EOFError
            self.sink.reads.append(got)
            self.rest += got
        found, _end, self.rest = self.rest.partition(end)
        return found

    def line(self) -> str:
        return self.until(b"\r\n").decode()

    def message(self) -> bytes:
        self.rest = b"\r\n" + self.rest
        return self.until(b"\r\n.\r\n")[2:].replace(b"\r\n..", b"\r\n.") + b"\r\n"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


@contextmanager
def running(**facts: Any) -> Iterator[Sink]:
    sink = Sink(**facts)
    handler = type("Session", (_Session,), {"sink": sink})
    with _Server(("127.0.0.1", sink.port), handler) as server:
        sink.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield sink
        finally:
            sink.over.set()
            server.shutdown()
            thread.join()
