"""Tabs at once on an SQLite file, behind a real server with several processes.

The same on PostgreSQL is in tests/pages/test_tabs_at_once.py: SQLite in memory has one
writer, so there it would prove nothing.
"""

import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .conftest import ROOT, process

TABS, ACTS = 4, 15
CHANNELS = ("email", "sms", "phone")
# One person with three links: to stop everything, to choose, and of a mail client.
WORLD = """
from audiences import landing_pages, links
from audiences.links import Link
from audiences.models import Profile
person = Profile.objects.create()
for kind in ("denylist", "preferences"):
    landing_pages.publish(landing_pages.create(kind, kind=kind))
    print(links.page_url(Link(person.pk, page=kind, kind=kind)))
print(links.one_click_url(Link(person.pk)))
"""


@pytest.fixture
def site(migrated: Path, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A database file, and the address of a server with two processes on it."""
    database = tmp_path / "tabs.sqlite3"
    shutil.copy(migrated, database)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "campaign.wsgi", "--workers", "2"),
            *("--bind", f"127.0.0.1:{port}", "--log-level", "warning"),
        ],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": f"sqlite:///{database}"},
    )
    for _attempt in range(1_200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield database, f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(timeout=120)


def _post(url: str, data: dict[str, object]) -> str:
    body = urllib.parse.urlencode(data, doseq=True).encode()
    with urllib.request.urlopen(url, body, timeout=60) as answer:
        assert answer.status == 200
        return str(answer.read().decode())


def test_flags_are_what_the_history_says_after_tabs_at_once(
    site: tuple[Path, str],
) -> None:
    database, base = site
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{database}"}
    made = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", WORLD],
        cwd=ROOT,
        env=environment | {"BASE_URL": base},
        capture_output=True,
        text=True,
        check=True,
    )
    *urls, one_click = made.stdout.split()

    def tab(seed: int) -> int:
        chance, undo, undone = random.Random(seed), "", 0
        for _act in range(ACTS):
            url = chance.choice([*urls, one_click])
            data: dict[str, object] = {"act": "1"}
            if url == urls[1]:
                data["channels"] = chance.sample(CHANNELS, chance.randrange(4))
            if undo and chance.random() < 0.4:
                data, undone = {"undo": undo}, undone + 1
            found = re.search(r'name="undo" value="([^"]+)"', _post(url, data))
            undo = found[1] if found else undo
        return undone

    with ThreadPoolExecutor(TABS) as tabs:
        assert sum(tabs.map(tab, range(TABS))) > 0
    proof = process(database, "verify_consent")
    assert proof.code == 0, proof.out + proof.err
