"""An import that is killed leaves the beginning of its file, and can be run again."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection

from audiences.imports.engine import CHUNK_SIZE
from tests.benchmarks.bench_import import write_file
from tests.benchmarks.databases import MANAGE, manage, postgresql, sqlite

pytestmark = pytest.mark.own_database

CHUNKS = 12
KILLS = 3
# How many people, the last one's id, how many are out, how often that was said, and how
# many addresses there are.
COUNTS = (
    "SELECT (SELECT COUNT(*) FROM audiences_profile),"
    " (SELECT external_id FROM audiences_profile ORDER BY id DESC LIMIT 1),"
    " (SELECT COUNT(*) FROM audiences_profile WHERE no_longer_contact_email),"
    " (SELECT COUNT(*) FROM audiences_consentevent WHERE kind = 'opt_out'),"
    " (SELECT COUNT(*) FROM audiences_address)"
)


def test_a_killed_import_leaves_whole_chunks_and_goes_on(
    tmp_path: Path, migrated: Path
) -> None:
    rows, path = CHUNKS * CHUNK_SIZE, tmp_path / "people.csv"
    write_file(path, rows)
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    is_postgresql = connection.vendor == "postgresql"
    with postgresql() if is_postgresql else sqlite() as url:
        if is_postgresql:
            manage(url, "migrate", "-v0")
        else:
            shutil.copy(migrated, url.removeprefix("sqlite:///"))
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
    return int(_asked(url, "SELECT COUNT(*) FROM audiences_profile")[0])


def _asked(url: str, question: str) -> tuple[Any, ...]:
    """The only row of an answer, read without the project."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            row = database.execute(question).fetchone()
    else:
        with closing(psycopg2.connect(url)) as database, database.cursor() as cursor:
            cursor.execute(question)
            row = cursor.fetchone()
    return tuple(row)


def _require_beginning(url: str, seed: int) -> int:
    """How many people are there: those of the first rows, each with all that is theirs.

    One in three has a number beside the email address, one in twenty is opted out.
    """
    people, last, out, events, addresses = _asked(url, COUNTS)
    assert people % CHUNK_SIZE == 0, f"seed {seed}"
    assert last == f"C{people - 1}", f"seed {seed}"
    assert out == events == (people + 19) // 20, f"seed {seed}"
    assert addresses == people + (people + 2) // 3, f"seed {seed}"
    return int(people)
