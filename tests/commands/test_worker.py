"""The worker that `make run` starts: it sends mails, and never outlives its parent."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from .conftest import ROOT, process

# What `make run` does, without its 20,000 people.
PARENT = """
import sys, time
import django
django.setup()
from audiences.signups import mailing_links as signup_links
from audiences.background import worker
with worker.beside_this_process():
    if sys.argv[1:]:
        signup_links.request_link(
            sys.argv[1], page="stop", kind="denylist", language="en",
            network="192.0.2.0/24",
        )
    print("up", flush=True)
    time.sleep(60)
"""


def _start(database: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{database}",
        "DJANGO_SETTINGS_MODULE": "campaign.settings",
        "BASE_URL": "http://127.0.0.1:8123",
        "EMAIL_URL": "consolemail://",
        "CELERY_BROKER_URL": "filesystem://",
    }
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _lines_until(parent: subprocess.Popen[str], wanted: str) -> list[str]:
    assert parent.stdout
    lines = []
    for line in parent.stdout:
        lines.append(line)
        if wanted in line:
            return lines
    pytest.fail(f"{wanted!r} did not come:\n{''.join(lines)}")


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "worker.sqlite3"
    shutil.copy(migrated, copy)
    return copy


def test_a_mail_that_a_visitor_asks_for_is_seen_at_once_in_the_terminal(
    database: Path, tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    people.write_text("email\nann@shop.example\n")
    for command in (
        ("import_profiles", str(people)),
        ("create_page", "stop", "--kind", "denylist", "--publish"),
    ):
        assert process(database, *command).code == 0
    parent = _start(database, "ann@shop.example")
    # Sooner than the sweep of each minute comes.
    impatience = threading.Timer(40, parent.kill)
    impatience.start()
    lines = _lines_until(parent, "127.0.0.1:8123/p/stop/")
    impatience.cancel()
    parent.kill()
    text = "".join(lines)
    assert re.search(r"^To: ann@shop.example$", text, re.MULTILINE)
    assert "WARNING" not in text
    parent.communicate(timeout=20)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_the_parent_ends_the_worker_ends_too(
    database: Path, number: signal.Signals
) -> None:
    parent = _start(database)
    _lines_until(parent, "up")
    parent.send_signal(number)
    # The worker holds the same standard output: its end is the end of both.
    parent.communicate(timeout=60)
    assert parent.returncode != 0
