"""A real process on a database of its own, and the same commands in this process."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def process(database: Path | str, *arguments: str) -> Outcome:
    url = database if isinstance(database, str) else f"sqlite:///{database}"
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def shell(migrated: Path, tmp_path: Path) -> Callable[..., Outcome]:
    """Run `manage.py` as a process of its own on a fresh database."""
    database = tmp_path / "shell.sqlite3"
    shutil.copy(migrated, database)
    return lambda *arguments: process(database, *map(str, arguments))


@pytest.fixture
def run(db: None) -> Callable[..., Outcome]:
    """Run a command here: quicker, on the database of the tests.

    A refusal gives its exit code; any other exception is a defect and goes through.
    """

    def call(name: str, *arguments: object) -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command(name, *map(str, arguments), stdout=out, stderr=err)
        except CommandError as error:
            err.write(str(error))
            return Outcome(error.returncode, out.getvalue(), err.getvalue())
        return Outcome(0, out.getvalue(), err.getvalue())

    return call
