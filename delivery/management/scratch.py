"""Scratch databases, beside the site's own and of the same kind, for a rehearsal."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from django.conf import settings

from audiences.refusals import Refused
from audiences.sql import is_postgresql

# Whatever the server makes of a new database by itself.
_EMPTY = ("--encoding", "UTF8", "--template", "template0")
_TOOLS = ("createdb", "dropdb", "pg_dump", "pg_restore")


class Scratch(Protocol):
    """A database that may be lost; `url` is where commands find it."""

    url: str
    how: str

    def back_up(self) -> None:
        """Keep the database as it is now."""

    def restore(self) -> None:
        """Throw the database away, and put the backup in its place."""

    def restore_from(self, file: Path) -> None:
        """Put the backup in this file in the place of the database."""

    def remove(self) -> None:
        """Leave nothing behind."""


def scratch(folder: Path) -> Scratch:
    """An empty scratch database; raises Refused when none can be made."""
    database = settings.DATABASES["default"]
    return _PostgreSQL(folder, database) if is_postgresql() else _SQLite(folder)


def require(*tools: str) -> None:
    """Raises Refused where one of PostgreSQL's programs is not on this machine."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        raise Refused(
            f"{', '.join(missing)}: not found. Install the client programs of "
            "PostgreSQL on this machine, then try again."
        )


def run(*words: str, database: dict[str, Any]) -> str:
    """Run one of PostgreSQL's programs, logged in as we are; what it printed."""
    given = {
        "PGHOST": database["HOST"],
        "PGPORT": str(database["PORT"] or ""),
        "PGUSER": database["USER"],
        "PGPASSWORD": database["PASSWORD"],
    }
    environment = os.environ | {name: text for name, text in given.items() if text}
    done = subprocess.run(  # noqa: S603  (our own words)
        words, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        # The first error is the cause; the last line often only counts them.
        lines = (done.stderr.strip() or "no reason").splitlines()
        told = next((line for line in lines if "error:" in line), lines[-1])
        raise Refused(f"{words[0]} failed: {told}")
    return done.stdout


class _SQLite:
    how = "SQLite's own backup"

    def __init__(self, folder: Path) -> None:
        self._file, self._backup = folder / "scratch.sqlite3", folder / "backup.sqlite3"
        self.url = f"sqlite:///{self._file}"

    def back_up(self) -> None:
        with (
            contextlib.closing(sqlite3.connect(self._file)) as source,
            contextlib.closing(sqlite3.connect(self._backup)) as target,
        ):
            source.backup(target)

    def restore(self) -> None:
        self.restore_from(self._backup)

    def restore_from(self, file: Path) -> None:
        self.remove()
        shutil.copy(file, self._file)

    def remove(self) -> None:
        for end in ("", "-wal", "-shm"):
            Path(f"{self._file}{end}").unlink(missing_ok=True)


class _PostgreSQL:
    how = "pg_dump and pg_restore"

    def __init__(self, folder: Path, database: dict[str, Any]) -> None:
        require(*_TOOLS)
        self._name = f"campaign_rehearsal_{os.getpid()}"
        self._dump = folder / "backup.dump"
        self._database = database
        login = quote(database["USER"] or "", safe="")
        if database["PASSWORD"]:
            login += f":{quote(database['PASSWORD'], safe='')}"
        port = f":{database['PORT']}" if database["PORT"] else ""
        place = f"{quote(database['HOST'] or '', safe='')}{port}"
        self.url = f"postgres://{login}@{place}/{self._name}"
        self._run("createdb", *_EMPTY, self._name)

    def back_up(self) -> None:
        self._run("pg_dump", "-Fc", "-f", str(self._dump), self._name)

    def restore(self) -> None:
        self.restore_from(self._dump)

    def restore_from(self, file: Path) -> None:
        self.remove()
        self._run("createdb", *_EMPTY, self._name)
        # Whoever owns the tables of the site: here we do.
        self._run("pg_restore", "-x", "-O", "-d", self._name, str(file))

    def remove(self) -> None:
        self._run("dropdb", "--if-exists", self._name)

    def _run(self, *words: str) -> None:
        run(*words, database=self._database)
