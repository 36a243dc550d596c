"""A mail server in a process of its own, as fast as one in Python can be.

With a log it writes down of each mail when it came and to whom, one line each, before
whoever sent it is told. Then it is a provider of text messages, too: each HTTP call
whose body is a number is one.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote


@contextmanager
def running(log: Path | None = None) -> Iterator[int]:
    """The sink, until the end; yields its port. That of text messages is the next."""
    command = [sys.executable, "-m", "tests.benchmarks.mail_sink", str(log or "")]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"DEBUG": "1", "DJANGO_SETTINGS_MODULE": "campaign.settings"},
    )
    assert process.stdin
    assert process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(timeout=20)


def main(log: str) -> None:
    import django

    django.setup()
    from delivery.demo.mailbox import server

    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT) if log else None

    def write(recipient: str) -> None:
        if file is not None:
            os.write(file, f"{time.time():.6f}\t{recipient}\n".encode())

    class Texts(ThreadingHTTPServer):
        def handle_error(self, *arguments: Any) -> None:
            pass  # a worker was killed

    class TextMessage(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:  # a worker was killed
                return
            write(unquote(body.decode().partition(" ")[0]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    def take(mail: Any) -> None:
        write(mail.recipients[0])

    for _attempt in range(100):
        with server.running(take) as port, suppress(OSError):
            texts = Texts(("127.0.0.1", port + 1), TextMessage)
            threading.Thread(target=texts.serve_forever, daemon=True).start()
            print(port, flush=True)
            sys.stdin.read()
            return


if __name__ == "__main__":
    main(sys.argv[1])
