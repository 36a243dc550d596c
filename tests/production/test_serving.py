"""The site as production serves it: slow visitors, static files, a bad day's database."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from selectors import DefaultSelector

import pytest
from django.db import OperationalError
from django.test import Client
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from campaign.serving import patience
from campaign.serving.patience import MOST_HELD, Listener, PatientWorker
from tests.chaos.surroundings import free_port

ROOT = Path(__file__).resolve().parents[2]
KEY = "a-key-of-these-tests-0123456789-abcdefghijklmnopqrstuvwxyz"
HEAD = b"POST /u/x HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """`serve` with one web process of two threads; its port."""
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    environment = os.environ | {
        "DEBUG": "0",
        "DATABASE_URL": f"sqlite:///{folder}/site.sqlite3",
        "SECRET_KEY": KEY,
        "SUPPRESSION_KEYS": KEY[::-1],
        "ALLOWED_HOSTS": "127.0.0.1",
        "BASE_URL": f"http://127.0.0.1:{port}",
        "BIND": f"127.0.0.1:{port}",
        "STATIC_ROOT": str(folder / "static"),
        "VAR_DIR": str(folder),
    }
    words = ["manage.py", "serve", "--web", "1", "--threads", "2", "--workers", "0"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *words], env=environment, cwd=ROOT, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError):
                _get(port, "/healthz")
                break
            time.sleep(0.2)
        yield port
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 0, (folder / "log").read_text()[-2000:]
    finally:
        process.kill()


def _get(port: int, path: str) -> tuple[int, dict[str, str], bytes]:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    asked.add_header("Accept-Encoding", "gzip")
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


@pytest.mark.own_database
def test_a_hundred_slow_visitors_hold_up_nobody(site: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", site)) for _number in range(100)]
    for number, visitor in enumerate(slow):
        visitor.sendall(
            HEAD[:20] if number % 2 else HEAD + b"Content-Length: 9\r\n\r\na="
        )
    began = time.monotonic()
    for _number in range(5):
        assert _get(site, "/p/your-data/")[0] == 200
    assert time.monotonic() - began < 5
    slow[0].sendall(b"1234567")
    assert slow[0].recv(20).startswith(b"HTTP/1.1 404"), (
        "who takes long is answered too"
    )
    for visitor in slow:
        visitor.close()


@pytest.mark.own_database
def test_large_and_strange_requests_are_answered(site: int) -> None:
    with closing(socket.create_connection(("127.0.0.1", site))) as visitor:
        body = b"x" * (MOST_HELD + 10)
        visitor.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        # A one-click of any size is looked at: this one has a forged token.
        assert visitor.recv(20).startswith(b"HTTP/1.1 404")
    with closing(socket.create_connection(("127.0.0.1", site))) as visitor:
        visitor.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
        assert visitor.recv(20).startswith(b"HTTP/1.1 404")
    with closing(socket.create_connection(("127.0.0.1", site))) as visitor:
        visitor.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert visitor.recv(100).startswith(b"HTTP/1.1 100 Continue")
        visitor.sendall(b"a=1")
        assert b"404" in visitor.recv(200) + visitor.recv(200)
    with closing(socket.create_connection(("127.0.0.1", site))) as visitor:
        two = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 2
        visitor.sendall(two)
        found = b""
        while found.count(b'"status": "ok"') < 2:
            found += visitor.recv(1000)


@pytest.mark.own_database
def test_style_is_compressed_and_kept_for_ever(site: int) -> None:
    _status, _headers, page = _get(site, "/admin/login/")
    import gzip
    import re

    with suppress(gzip.BadGzipFile):
        page = gzip.decompress(page)
    path = re.search(rb'/static/[^"]*tokens\.[0-9a-f]{12}\.css', page)
    assert path
    status, headers, _text = _get(site, path[0].decode())
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert "immutable" in headers["Cache-Control"]


# ------------------------------------------------------------------ what has come so far
def test_a_request_is_ready_when_its_body_is_here() -> None:
    heard = Listener(HEAD + b"Content-Length: 3\r\n\r\n")
    assert not heard.is_ready()
    heard.received += b"abc"
    assert heard.is_ready()
    assert not heard.is_large


@pytest.mark.parametrize(
    "line",
    [
        b"Content-Length: 999999999",
        b"Transfer-Encoding: chunked",
        b"transfer-encoding: x",
    ],
)
def test_what_cannot_be_held_has_threads_of_its_own(line: bytes) -> None:
    heard = Listener(HEAD + line + b"\r\n\r\n")
    assert heard.is_ready()
    assert heard.is_large


def test_a_head_without_end_is_not_waited_for() -> None:
    assert Listener(b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000).is_ready()


# ------------------------------------------------------------------ a bad day
@pytest.mark.django_db
def test_a_process_that_nobody_keeps_gives_the_port_back_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or the one that is started in its place waits for all visitors of this one."""
    monkeypatch.setattr(patience, "LINGER", 0.5)
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    cfg = Config()
    worker = PatientWorker(1, os.getppid(), [listener], None, 30, cfg, Logger(cfg))
    worker.tpool, worker.poller = worker.get_thread_pool(), DefaultSelector()
    worker.method_queue.init()
    silent = [socket.create_connection(address) for _number in range(2)]
    for visitor in silent:
        visitor.sendall(HEAD)
    told = [True, False]
    monkeypatch.setattr(ThreadWorker, "is_parent_alive", lambda worker: told.pop(0))
    taken: list[bool] = []

    def look(worker: PatientWorker) -> None:
        with closing(socket.create_server(address)):
            taken.append(bool(worker._listening))

    murder = PatientWorker.murder_pending
    monkeypatch.setattr(
        PatientWorker,
        "murder_pending",
        lambda worker: (told or look(worker), murder(worker)),
    )
    began = time.monotonic()
    worker.run()
    assert taken[0], "the port was free while visitors were still there"
    assert time.monotonic() - began < 5
    for visitor in silent:
        visitor.close()


def test_the_console_says_in_plain_words_that_the_database_is_away(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from audiences.console import dashboard

    def fail(*args: object) -> None:
        raise OperationalError("could not write block: No space left on device")

    monkeypatch.setattr(dashboard, "context", fail)
    answer = admin_client.get("/admin/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert "not done, not even half" in answer.content.decode()
