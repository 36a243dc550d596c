"""A program that is told what happens: a real server on this machine."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass
class Receiver:
    """What it was told, and what it answers: a status for each call, then 204."""

    url: str = ""
    secret: str = ""
    answers: list[int] = field(default_factory=list)
    # Numbers of profiles whose changes are refused.
    refused: set[int] = field(default_factory=set)
    seconds: float = 0
    # Answers one byte after the other, and never to the end.
    drips: bool = False
    told: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, headers: Any, body: bytes) -> int:
        with self.lock:
            self.calls += 1
            status = self.answers.pop(0) if self.answers else 204
        time.sleep(self.seconds)
        data = json.loads(body)
        if self.secret:
            Webhook(self.secret).verify(
                body, {k.lower(): v for k, v in headers.items()}
            )
        if data["data"].get("profile") in self.refused:
            status = 503
        if status == 204:
            with self.lock:
                self.told.append(data)
                self.ids.append(headers["webhook-id"])
        return status


@contextmanager
def receiving(**facts: Any) -> Iterator[Receiver]:
    """A receiver that listens while the block runs."""
    receiver = Receiver(**facts)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            status = receiver.take(self.headers, self.rfile.read(length))
            for byte in b"HTTP/1.1 200 " + b"x" * 30 if receiver.drips else b"":
                self.wfile.write(bytes([byte]))
                time.sleep(0.1)
            self.send_response(status)
            if status in (301, 302, 307, 308):
                self.send_header("Location", f"{receiver.url}elsewhere")
            if status != 204:
                self.send_header("Content-Length", "3")
            self.end_headers()
            if status != 204:
                self.wfile.write(b"no\n")

        def log_message(self, *args: Any) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


def serve() -> None:
    """Listen in a process of its own, and say where; for a benchmark."""
    with receiving() as receiver:
        print(receiver.url, flush=True)
        threading.Event().wait()
