"""A mail server in a process of its own, as fast as one in Python can be.

It counts what it takes, or writes down of each mail when it came, to whom, and its
number: one line each, written before whoever sent it is told.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def running(log: Path | None = None, port: int = 0) -> Iterator[int]:
    """The sink, until the end; yields its port."""
    command = [sys.executable, "-m", "tests.benchmarks.mail_sink", str(port), str(log or "")]
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


def main(port: int, log: str) -> None:
    import django

    django.setup()
    from delivery.demo.mailbox import server

    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT) if log else None

    def take(mail: Any) -> None:
        if file is not None:
            os.write(file, f"{time.time():.6f}\t{mail.recipients[0]}\n".encode())

    with server.running(take, port) as given:
        print(given, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
