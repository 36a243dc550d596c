"""Throwaway databases for benchmarks, and commands run in them and measured."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from tests.postgres import find_url

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a new, empty database, dropped afterwards."""
    server = os.environ.get("DATABASE_URL", "") or find_url()
    if not server.startswith("postgres"):
        raise SystemExit("No PostgreSQL server was found; DATABASE_URL names one.")
    name = f"campaign_bench_{os.getpid()}"
    _administer(server, f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def sqlite() -> Iterator[str]:
    """The address of a new SQLite file, removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/bench.sqlite3"


def _administer(server: str, sql: str) -> None:
    connection = psycopg2.connect(server)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
    connection.close()


@dataclass(frozen=True)
class Measured:
    """What a command printed, its wall-clock seconds, and its peak memory in MB."""

    output: str
    seconds: float
    megabytes: float


def manage(url: str, *arguments: str, exits: int = 0) -> Measured:
    """Run a command of Campaign on a database; stops at another exit code."""
    started = time.perf_counter()
    environment = os.environ | {"DATABASE_URL": url, "PHONE_REGION": "NL"}
    process = subprocess.Popen(
        [sys.executable, str(MANAGE), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    output = process.stdout.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) != exits:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return Measured(output, seconds, usage.ru_maxrss / 1024)


def machine() -> str:
    """One line about where the figures come from."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, "
        f"{memory:.0f} GiB memory"
    )
