"""An import that is killed leaves the beginning of its file, and can be run again."""

import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from django.db import connection

from audiences.imports.engine import CHUNK_SIZE
from tests.benchmarks.bench_import import write_file
from tests.benchmarks.databases import MANAGE, manage, postgresql, sqlite

pytestmark = pytest.mark.own_database

CHUNKS = 12
KILLS = 3
COUNTS = (
    "from audiences.models import Address, ConsentEvent, Profile\n"
    "out = Profile.objects.filter(no_longer_contact_email=True)\n"
    "last = Profile.objects.order_by('-pk').first()\n"
    "print(Profile.objects.count(), last.external_id if last else 'C-1',"
    " out.count(), ConsentEvent.objects.filter(kind='opt_out').count(),"
    " Address.objects.count())"
)


def test_a_killed_import_leaves_whole_chunks_and_goes_on(tmp_path: Path) -> None:
    rows, path = CHUNKS * CHUNK_SIZE, tmp_path / "people.csv"
    write_file(path, rows)
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    with postgresql() if connection.vendor == "postgresql" else sqlite() as url:
        manage(url, "migrate", "-v0")
        for _kill in range(KILLS):
            before = _people(url)
            _killed(url, path, before + CHUNK_SIZE, chance.random() / 5)
            assert _require_beginning(url, seed) >= min(before + CHUNK_SIZE, rows)
        manage(url, "import_profiles", str(path), "--json")
        assert _require_beginning(url, seed) == rows
        manage(url, "verify_consent")


def _killed(url: str, path: Path, people: int, seconds: float) -> None:
    """Start the import and kill -9 it when so many people are there, or a bit later."""
    process = subprocess.Popen(
        [sys.executable, str(MANAGE), "import_profiles", str(path), "--json"],
        env=os.environ | {"DATABASE_URL": url, "PHONE_REGION": "NL"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and _people(url) < people:
        time.sleep(0.005)
    time.sleep(seconds)
    process.kill()
    process.wait()


def _people(url: str) -> int:
    counting = "SELECT COUNT(*) FROM audiences_profile"
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            return int(database.execute(counting).fetchone()[0])
    with closing(psycopg2.connect(url)) as database, database.cursor() as cursor:
        cursor.execute(counting)
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def _require_beginning(url: str, seed: int) -> int:
    """How many people are there: those of the first rows, each with all that is theirs.

    One in three has a number beside the email address, one in twenty is opted out.
    """
    said = manage(url, "shell", "-v0", "-c", COUNTS).output.split()
    people, out, events, addresses = (int(said[place]) for place in (0, 2, 3, 4))
    assert people % CHUNK_SIZE == 0, f"seed {seed}"
    assert said[1] == f"C{people - 1}", f"seed {seed}"
    assert out == events == (people + 19) // 20, f"seed {seed}"
    assert addresses == people + (people + 2) // 3, f"seed {seed}"
    return people
