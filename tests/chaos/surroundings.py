"""What a chaos runs in: servers of its own, and workers that are killed.

A PostgreSQL cluster and a Redis that nobody else uses, so that they can be restarted;
the site under gunicorn; workers and their clock as operations.md has them. All of it
ends with the context.
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg2

from tests.upgrades.dump import KEYS


def production(folder: Path, port: int, database: str) -> dict[str, str]:
    """The settings of a site that writes in a folder and answers on a port."""
    return KEYS | {
        "DJANGO_SETTINGS_MODULE": "campaign.settings",
        "DEBUG": "0",
        "DATABASE_URL": database,
        "ALLOWED_HOSTS": "127.0.0.1",
        "BASE_URL": f"http://127.0.0.1:{port}",
        "BIND": f"127.0.0.1:{port}",
        "VAR_DIR": str(folder / "var"),
        "STATIC_ROOT": str(folder / "static"),
        "DEFAULT_FROM_EMAIL": "news@mail.example",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise SystemExit(f"Nothing answers on port {port}.")


# ------------------------------------------------------------------ PostgreSQL
class Cluster:
    """A PostgreSQL server of its own, that remembers when each commit was."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.data = folder / "data"
        self.restarts = 0
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        folder.mkdir(mode=0o755)
        # The server refuses to run as root.
        self._as = {"user": "postgres", "group": "postgres"} if not os.getuid() else {}
        if self._as:
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        self._run("initdb", "-U", "postgres", "-A", "trust", "--no-sync")
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n"
                f"unix_socket_directories = '{folder}'\n"
                "track_commit_timestamp = on\nmax_connections = 150\n"
            )

    def _run(self, command: str, *arguments: str) -> None:
        subprocess.run(
            [_program(command), "-D", str(self.data), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **self._as,  # type: ignore[call-overload]
        )

    def start(self) -> None:
        log = str(self.data / "server.log")
        self._run("pg_ctl", "start", "-w", "-s", "-l", log)

    def restart(self) -> None:
        self.restarts += 1
        log = str(self.data / "server.log")
        self._run("pg_ctl", "restart", "-w", "-s", "-m", "fast", "-l", log)

    def crash(self) -> None:
        """As by a loss of power: nothing is written that is not written."""
        self.restarts += 1
        log = str(self.data / "server.log")
        self._run("pg_ctl", "restart", "-w", "-s", "-m", "immediate", "-l", log)

    def stop(self) -> None:
        with suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "stop", "-w", "-s", "-m", "immediate")


def _program(name: str) -> str:
    found = [*Path("/usr/lib/postgresql").glob(f"*/bin/{name}")]
    path = shutil.which(name) or (str(max(found)) if found else "")
    if not path:
        raise SystemExit(f"{name} was not found: PostgreSQL's server is needed.")
    return path


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    made = Cluster(folder)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def fetch(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows = list(cursor.fetchall()) if cursor.description else []
    connection.close()
    return rows


# ------------------------------------------------------------------ processes
@contextmanager
def process(
    *command: str, log: Path, ready: int = 0
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a group of its own, whose group ends with the context."""
    started = start(*command, log=log)
    try:
        if ready:
            wait_for(ready)
        yield started
    finally:
        kill(started)


def start(*command: str, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def kill(started: subprocess.Popen[bytes]) -> None:
    """Without a word, and everything that it started."""
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait(timeout=30)


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    port = free_port()
    command = ("redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1")
    with process(*command, log=folder / "redis.log", ready=port):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def site(folder: Path) -> Iterator[int]:
    """The site on a port of its own."""
    port = free_port()
    command = (sys.executable, "-m", "gunicorn", "campaign.wsgi")
    options = ("--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4")
    with process(*command, *options, log=folder / "site.log", ready=port):
        yield port


class Workers:
    """Workers that are killed at random, and started again at once."""

    def __init__(self, count: int, folder: Path, command: tuple[str, ...]) -> None:
        self.folder, self.command = folder, command
        self.running = [self._start(number) for number in range(count)]
        self.kills = 0

    def _start(self, number: int) -> tuple[float, subprocess.Popen[bytes]]:
        words = [word.format(number=number) for word in self.command]
        log = self.folder / f"worker-{number}.log"
        return time.monotonic(), start(*words, log=log)

    def kill_one(self, chance: random.Random, *, youngest: float) -> bool:
        """Kill one that has run for a while; returns whether there was one."""
        old = [
            number
            for number, (began, _process) in enumerate(self.running)
            if time.monotonic() - began > youngest
        ]
        if not old:
            return False
        number = chance.choice(old)
        kill(self.running[number][1])
        self.kills += 1
        self.running[number] = self._start(number)
        return True

    def end(self) -> None:
        for _began, started in self.running:
            kill(started)


@contextmanager
def workers(count: int, folder: Path, command: tuple[str, ...]) -> Iterator[Workers]:
    made = Workers(count, folder, command)
    try:
        yield made
    finally:
        made.end()
