"""Mails are taken from wherever they lie: stored first, once, and deleted only if told."""

import io
import json
import mailbox
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from imapclient import IMAPClient

from audiences import sql
from delivery import tasks
from delivery.feedback import intake
from delivery.feedback.intake import processing
from delivery.feedback.mails import imap, mailboxes
from delivery.feedback.mails.mailboxes import Mail
from delivery.models import InboundItem, MailboxPosition, MessageEvent

from .reports import ADDRESS, dsn, sent, status

pytestmark = pytest.mark.django_db
OTHER = "bob@shop.example"
JUNK = b"From: somebody@x.example\nSubject: Hello\n\nCan we meet on Monday?\n"


def run(*args: Any, **options: Any) -> dict[str, int]:
    out = io.StringIO()
    call_command("process_mail", *map(str, args), "--json", stdout=out, **options)
    counts: dict[str, int] = json.loads(out.getvalue())
    return {name: count for name, count in counts.items() if count}


@pytest.fixture
def mails(tmp_path: Path) -> list[Path]:
    """A bounce of ours, a forged one, and a mail that nobody understands."""
    sent(message_id="1@mta")
    sent(OTHER, message_id="<2@mta>")
    contents = (dsn("1@mta"), dsn("9@mta", OTHER), JUNK)
    paths = [tmp_path / f"{number}.eml" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


ONCE = {"received": 3, "applied": 1, "waiting": 2}
AGAIN = {"duplicates": 3}


def test_files_are_read_once_and_stay(mails: list[Path]) -> None:
    assert run(*mails) == ONCE
    assert run(*mails) == AGAIN
    assert all(path.exists() for path in mails)
    assert (status(ADDRESS), status(OTHER)) == ("quarantine", "none")
    states = dict(InboundItem.objects.values_list("state", "note"))
    assert set(states) == {"applied", "unmatched", "unclear"}
    kept = InboundItem.objects.get(state="unclear")
    assert bytes(kept.raw) == JUNK


def test_a_mail_is_taken_from_a_pipe(
    mails: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for expected in ({"received": 1, "applied": 1}, {"duplicates": 1}):
        with mails[0].open() as pipe:
            monkeypatch.setattr("sys.stdin", pipe)
            assert run() == expected
    with mails[1].open() as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        assert run("-") == {"received": 1, "waiting": 1}


def test_a_copy_with_other_line_ends_is_the_same_mail(tmp_path: Path) -> None:
    for name, content in (("a", JUNK), ("b", JUNK.replace(b"\n", b"\r\n"))):
        (tmp_path / name).write_bytes(content)
    assert run(tmp_path / "a", tmp_path / "b") == {
        "received": 1,
        "duplicates": 1,
        "waiting": 1,
    }


@pytest.mark.parametrize("delete", [False, True])
def test_a_maildir_is_read_where_it_is(
    mails: list[Path], tmp_path: Path, delete: bool
) -> None:
    box = mailbox.Maildir(tmp_path / "box")
    for path in mails:
        box.add(path.read_bytes())
    name = next(iter(box.keys()))
    message = box[name]
    message.set_subdir("cur")  # type: ignore[union-attr]
    box[name] = message
    assert run("--maildir", tmp_path / "box", delete=delete) == ONCE
    assert len(box) == (0 if delete else 3)
    assert run("--maildir", tmp_path / "box") == ({} if delete else AGAIN)


@pytest.mark.parametrize("delete", [False, True])
def test_an_mbox_is_read_where_it_is(
    mails: list[Path], tmp_path: Path, delete: bool
) -> None:
    box = mailbox.mbox(tmp_path / "box")
    for path in mails:
        box.add(path.read_bytes())
    box.close()
    assert run("--mbox", tmp_path / "box", delete=delete) == ONCE
    left = mailbox.mbox(tmp_path / "box")
    assert len(left) == (0 if delete else 3)
    left.close()


def test_a_mail_is_the_same_whatever_it_came_through(
    mails: list[Path], tmp_path: Path
) -> None:
    """A relay adds headers: another item, the same event."""
    relayed = tmp_path / "relayed"
    relayed.write_bytes(b"Received: from mx by us\n" + mails[0].read_bytes())
    assert run(mails[0], relayed) == {"received": 2, "applied": 2}
    assert MessageEvent.objects.count() == 1


def test_what_is_too_long_is_cut_off_but_counts(settings: Any, tmp_path: Path) -> None:
    sent(message_id="1@mta")
    settings.FEEDBACK_LARGEST = 5_000
    path = tmp_path / "long"
    path.write_bytes(dsn("1@mta") + b"x" * 10_000)
    assert run(path) == {"received": 1, "applied": 1}
    item = InboundItem.objects.get()
    assert (len(item.raw), item.size, item.is_cut) == (
        5_000,
        path.stat().st_size,
        True,
    )


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("no-such-file",), 1),
        (("--maildir", "no-such-dir"), 1),
        (("--mbox", "no-such-file"), 1),
        (("--imap", "http://x"), 1),
        (("--imap", "imaps://u:p@127.0.0.1:1/"), 1),
        (("--imap",), 2),
    ],
)
def test_a_place_that_cannot_be_read_is_refused(args: Any, code: int) -> None:
    with pytest.raises(CommandError) as refusal:
        run(*args)
    assert refusal.value.returncode == code
    assert ":p@" not in str(refusal.value)


# --------------------------------------------------------------------- nothing is lost
def test_a_mail_that_breaks_its_reader_is_left_to_a_human(
    mails: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(item: InboundItem) -> intake.Findings:
        raise RecursionError

    monkeypatch.setitem(intake.READERS, "mail", broken)
    assert run(*mails) == {"received": 3, "waiting": 3}
    assert set(InboundItem.objects.values_list("state", flat=True)) == {"unreadable"}


def test_a_database_that_fails_in_the_middle_loses_nothing(
    mails: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between storing and applying: the item stays new, and the next run reads it."""
    real = processing.apply_all

    def lost(*args: Any) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(processing, "apply_all", lost)
    with pytest.raises(CommandError, match="database failed") as refusal:
        run(*mails)
    assert refusal.value.returncode == 1
    assert set(InboundItem.objects.values_list("state", flat=True)) == {"new"}
    monkeypatch.setattr(processing, "apply_all", real)
    # They count as there already, and are applied all the same.
    assert run(*mails) == {"duplicates": 3, "applied": 1, "waiting": 2}
    assert status() == "quarantine"


def test_mails_before_a_source_that_fails_are_stored_and_applied(
    mails: list[Path],
) -> None:
    def failing() -> Iterator[Mail]:
        yield from mailboxes.files(mails)
        raise OSError("connection reset")

    counts = mailboxes.MailCounts()
    with pytest.raises(OSError, match="reset"):
        mailboxes.take_in(failing(), counts)
    assert (counts.received, counts.applied, counts.waiting) == (3, 1, 2)


def test_what_was_stored_and_not_read_is_read_by_any_later_run(
    mails: list[Path],
) -> None:
    intake.receive("mail", mails[0].read_bytes())
    assert run(mails[2]) == {"received": 1, "applied": 1, "waiting": 1}


def test_the_clock_reads_what_was_stored_and_not_read(mails: list[Path]) -> None:
    intake.receive("mail", mails[0].read_bytes())
    tasks.read_mailbox()
    assert status() == "quarantine"


# --------------------------------------------------------------------- IMAP
dovecot = shutil.which("dovecot") or shutil.which("/usr/sbin/dovecot")


@pytest.fixture
def server(mails: list[Path]) -> Iterator[str]:
    """A Dovecot of our own with the mails in it, and its address."""
    if not dovecot or os.getuid() != 0:
        pytest.skip("Dovecot is not installed, or the tests do not run as root")
    # Its sockets need a short path.
    home = Path(tempfile.mkdtemp(dir="/tmp"))
    port = _start_dovecot(home)
    try:
        with _session(port) as client:
            for path in mails:
                client.append("INBOX", path.read_bytes())
        yield f"imap://ann%40x:secret@127.0.0.1:{port}/INBOX"
    finally:
        os.kill(int((home / "run/master.pid").read_text()), signal.SIGTERM)
        shutil.rmtree(home, ignore_errors=True)


def _session(port: int) -> IMAPClient:
    client = IMAPClient("127.0.0.1", port, ssl=False, timeout=10)
    client.login("ann@x", "secret")
    return client


def _start_dovecot(home: Path) -> int:
    import socket

    home.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    (home / "mail").mkdir()
    shutil.chown(home / "mail", "nobody", "nogroup")
    (home / "conf").write_text(f"""
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{home}/mail
first_valid_uid = 1
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
  chroot =
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={home}/mail
}}
""")
    subprocess.run([dovecot or "", "-c", home / "conf"], check=True)
    for _attempt in range(50):
        try:
            _session(port).logout()
            return port
        except OSError:
            time.sleep(0.1)
    pytest.fail((home / "log").read_text())


def test_an_imap_mailbox_is_read_once_and_left_as_it_was(server: str) -> None:
    assert run("--imap", server) == ONCE
    assert run("--imap", server) == {}
    port = imap.place(server).port or 0
    with _session(port) as client:
        client.select_folder("INBOX", readonly=True)
        uids = client.search()
        flags = {flag for each in client.get_flags(uids).values() for flag in each}
        assert flags <= {b"\\Recent"}
        client.append("INBOX", dsn("2@mta", OTHER))
    assert run("--imap", server) == {"received": 1, "applied": 1}
    # The server numbers its messages anew: all are read again, none counts again.
    MailboxPosition.objects.update(uid_validity=1)
    assert run("--imap", server) == {"duplicates": 4}
    assert MessageEvent.objects.count() == 2


def test_stored_mails_leave_an_imap_mailbox_only_with_delete(server: str) -> None:
    with _session(imap.place(server).port or 0) as client:
        client.select_folder("INBOX")
        client.append("INBOX", JUNK)
        other = client.search()[0]
        # Somebody else marks one as deleted after this run has read them all.
        client.add_flags([other], [b"\\Deleted"])
        assert run("--imap", server) == {**ONCE, "duplicates": 1}
        assert client.search() != []
        assert run("--imap", server, "--delete") == {"duplicates": 4}
        client.noop()
        assert client.search() == []


def test_a_second_worker_leaves_a_mailbox_to_the_first(server: str) -> None:
    held, done = threading.Event(), threading.Event()

    def first() -> None:
        # What reading it holds, in a session of its own.
        with sql.process_lock(f"mailbox:{imap.place(server)}".replace("/", ":")):
            held.set()
            done.wait(120)
        connection.close()

    worker = threading.Thread(target=first)
    worker.start()
    try:
        assert held.wait(120)
        with pytest.raises(CommandError, match="busy") as refusal:
            run("--imap", server)
    finally:
        done.set()
        worker.join()
    assert refusal.value.returncode == 1
    assert run("--imap", server) == ONCE


def test_a_worker_that_dies_midway_loses_no_mail(server: str) -> None:
    """It had fetched mails and not stored them: the next one fetches them again."""
    fetched = imap.mails(server)
    next(fetched)
    fetched.close()
    assert not InboundItem.objects.exists()
    assert run("--imap", server) == ONCE


def test_the_clock_reads_the_mailbox_of_the_setting(server: str, settings: Any) -> None:
    settings.FEEDBACK_IMAP_URL = server
    tasks.read_mailbox()
    assert InboundItem.objects.count() == 3
    assert run("--imap") == {}


def test_the_mailbox_of_the_setting_is_read_without_its_name(
    server: str, settings: Any
) -> None:
    settings.FEEDBACK_IMAP_URL = server
    assert run("--imap") == ONCE
    assert "secret" not in MailboxPosition.objects.get().mailbox
