"""Making a backup: of one moment, whole or not at all, and readable."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from audiences.refusals import Refused
from audiences.sql import execute, fetch, is_postgresql
from delivery.management import scratch

from .copies import Backup, digest, integrity
from .facts import PROGRAM, facts


def make(folder: Path, *, keep: int = 0) -> Backup:
    """Copy the database into a folder that only its owner reads; raises Refused.

    With `keep` only so many of the newest stay.
    """
    now = timezone.now()
    end = "dump" if is_postgresql() else "sqlite3"
    name = f"campaign-{now:%Y%m%d-%H%M%S}.{end}"
    partial = folder / f".{name}.partial"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.touch(mode=0o600)
        found = _dump(partial) if is_postgresql() else _copy(partial)
        made = Backup(
            file=name,
            made_at=now,
            version=settings.VERSION,
            database=connection.vendor,
            sha256=digest(partial),
            facts=found,
        )
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.rename(folder / name)
        made.write(folder)
    except (OSError, sqlite3.Error) as error:
        told = getattr(error, "strerror", "") or error
        raise Refused(f"{folder}: {told}. No backup was made.") from error
    finally:
        partial.unlink(missing_ok=True)
    _keep(folder, keep, end)
    return made


def _dump(partial: Path) -> dict[str, Any]:
    """pg_dump of the very moment in which we count."""
    scratch.require("pg_dump", "pg_restore")
    database = settings.DATABASES["default"]
    with transaction.atomic():
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        moment = fetch("SELECT pg_export_snapshot()")[0][0]
        found = facts()
        words = ("pg_dump", "-Fc", "--snapshot", moment, "-f", str(partial))
        scratch.run(*words, str(database["NAME"]), database=database)
    scratch.run("pg_restore", "--list", str(partial), database=database)
    return found


def _copy(partial: Path) -> dict[str, Any]:
    """SQLite's own backup, which waits for no writer; then we count in the copy."""
    source = str(connection.settings_dict["NAME"])
    with (
        contextlib.closing(sqlite3.connect(source, timeout=30)) as theirs,
        contextlib.closing(sqlite3.connect(partial)) as ours,
    ):
        theirs.backup(ours)
    if (answer := integrity(partial)) != "ok":
        raise Refused(f"The copy is damaged, and so may the database be: {answer}.")
    return facts_of(f"sqlite:///{partial}")


def facts_of(url: str) -> dict[str, Any]:
    """What is in another database; raises Refused."""
    done = subprocess.run(  # noqa: S603  (our own program)
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"DATABASE_URL": url, "DEBUG": str(int(settings.DEBUG))},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refused(f"Its rows cannot be counted: {_last(done.stderr)}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _last(text: str) -> str:
    return (text.strip() or "no reason was given").splitlines()[-1]


def _keep(folder: Path, count: int, end: str) -> None:
    old = (
        sorted(folder.glob(f"campaign-*.{end}"), reverse=True)[count:] if count else []
    )
    for path in old:
        path.unlink()
        path.with_name(f"{path.name}.json").unlink(missing_ok=True)
