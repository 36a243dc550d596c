"""Checkpoints leave the house: to a file, a mail address, a web address, a stamp."""

import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core import mail

from audiences import consent, ledger, tasks
from audiences.ledger import notes, outlets
from audiences.ledger.outlets import time_stamps
from audiences.models import LedgerCheckpoint, LedgerOutlet, LedgerStamp
from tests.people import ORIGIN, ago, person
from tests.transports.http_server import running

pytestmark = pytest.mark.django_db
CONFIG = """
[tsa]
serial = {0}/serial
signer_cert = {0}/tsa.pem
signer_key = {0}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = no
[ext]
extendedKeyUsage = critical,timeStamping
[req]
distinguished_name = name
[name]
"""


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A time-stamping service on this machine, made of openssl; its address."""
    folder = tmp_path_factory.mktemp("tsa")
    config = folder / "tsa.cnf"
    config.write_text(CONFIG.format(folder))
    (folder / "serial").write_text("01\n")
    _openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
        *("-subj", "/CN=tsa.example", "-config", str(config), "-extensions", "ext"),
        *("-keyout", str(folder / "tsa.key"), "-out", str(folder / "tsa.pem")),
    )

    class Authority(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            (folder / "query").write_bytes(body)
            _openssl(
                *("ts", "-reply", "-config", str(config), "-section", "tsa"),
                *("-queryfile", str(folder / "query"), "-out", str(folder / "reply")),
            )
            self.send_response(200)
            self.end_headers()
            self.wfile.write((folder / "reply").read_bytes())

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Authority)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", folder
    server.shutdown()
    server.server_close()


def _checkpoint() -> LedgerCheckpoint:
    consent.opt_out(person(), "email", ORIGIN)
    ledger.seal()
    return ledger.make_checkpoint()[0]


def test_a_checkpoint_is_stamped_and_openssl_agrees(
    authority: tuple[str, Path], settings: Any
) -> None:
    settings.LEDGER_STAMP_URL, folder = authority
    checkpoint = _checkpoint()
    assert outlets.send() == 1
    stamp = LedgerStamp.objects.get(checkpoint=checkpoint)
    assert stamp.stamped_at > ago(0.1)
    (folder / "note").write_text(checkpoint.note)
    (folder / "answer").write_bytes(bytes(stamp.token))
    _openssl(
        *("ts", "-verify", "-data", str(folder / "note")),
        *("-in", str(folder / "answer"), "-CAfile", str(folder / "tsa.pem")),
    )
    answer, digest = bytes(stamp.token), bytes(32)
    with pytest.raises(time_stamps.NoStamp, match="something else"):
        time_stamps.read(answer, digest, 1)
    for cut in (0, 1, 5, 100, len(answer) // 2):
        with pytest.raises(time_stamps.NoStamp):
            time_stamps.read(answer[:cut], digest, 1)
    refusal = bytes.fromhex("30053003020102")
    with pytest.raises(time_stamps.NoStamp, match="status 2"):
        time_stamps.read(refusal, digest, 1)


def test_each_place_gets_each_checkpoint_once(settings: Any, tmp_path: Path) -> None:
    settings.LEDGER_FILE = str(tmp_path / "checkpoints")
    settings.LEDGER_MAIL = "notary@example.net"
    with running() as web:
        settings.LEDGER_URL = f"{web.url}/checkpoints"
        first = _checkpoint()
        assert outlets.send() == 3
        assert outlets.send() == 0
        second = _checkpoint()
        tasks.publish_checkpoint()
    kept = notes.split(Path(settings.LEDGER_FILE).read_text())
    assert kept == [first.note, second.note]
    assert [message.body for message in mail.outbox] == kept
    assert [call.body.decode() for call in web.calls] == kept
    assert mail.outbox[0].to == ["notary@example.net"]


def test_what_fails_is_told_of_and_tried_again(settings: Any, tmp_path: Path) -> None:
    settings.LEDGER_FILE = str(tmp_path)  # a folder
    settings.LEDGER_URL = "http://127.0.0.1:1/"
    settings.LEDGER_STAMP_URL = "http://127.0.0.1:1/"
    checkpoint = _checkpoint()
    assert outlets.send() == 0
    assert {row.name for row in outlets.problems()} == {
        *("LEDGER_FILE", "LEDGER_URL", "LEDGER_STAMP_URL")
    }
    settings.LEDGER_FILE = str(tmp_path / "there")
    settings.LEDGER_URL = ""
    assert outlets.send() == 1
    assert [row.name for row in outlets.problems()] == ["LEDGER_STAMP_URL"]
    assert LedgerOutlet.objects.get(name="LEDGER_FILE").size == checkpoint.size


def test_the_tasks_seal_and_sign_by_the_clock(settings: Any) -> None:
    person(out="email")
    tasks.seal_ledger()
    tasks.publish_checkpoint()
    assert not ledger.unsealed().exists()
    assert ledger.newest()
    settings.LEDGER_KEY = ""
    tasks.publish_checkpoint()
