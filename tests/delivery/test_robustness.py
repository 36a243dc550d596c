"""Whatever is killed, stopped or run by others: the outcome rows are the same.

Everything here runs in processes of its own, on a database of its own (SQLite in a
file, or PostgreSQL, as the tests around it), with 3,000 people and small chunks.
"""

import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis
from django.db import connection

from tests.benchmarks.databases import MANAGE, postgresql, sqlite

pytestmark = pytest.mark.own_database

PEOPLE = 3000
SECONDS = 120
# How often one analysis is killed; KILLS=50 for a long trial.
KILLS = int(os.environ.get("KILLS", "4"))
IS_POSTGRESQL = connection.vendor == "postgresql"
FILL = (
    "from tests.benchmarks.bench_analysis import fill;"
    f"fill({PEOPLE});"
    "from audiences.models import Service;"
    "from delivery.models import Typology;"
    "from delivery import deliveries;"
    "[deliveries.create(f'N{n}', channel='email', service=Service.objects.get(),"
    " typology=Typology.objects.get(slug='bench')) for n in range(11)]"
)


class Site:
    """A database with people, and commands that run on it in other processes."""

    def __init__(self, url: str, migrated: Path) -> None:
        self.url = url
        self.unused = [f"N{number}" for number in range(10, 0, -1)]
        if IS_POSTGRESQL:
            self.run("migrate", "-v0")
        else:
            shutil.copy(migrated, url.removeprefix("sqlite:///"))
        self.run("shell", "-v0", "-c", FILL)
        self.run("analyse_delivery", "N0", "--json", chunk=50_000)
        self.expected = self.digest("N0")

    def start(self, *arguments: str, chunk: int = 25, **more: str) -> Any:
        if arguments[0] == "analyse_delivery":
            # Others that are prepared would count for fatigue.
            self.query(
                "UPDATE delivery_analysis SET state = 'failed' WHERE state = 'ready'"
                " AND delivery_id NOT IN"
                " (SELECT id FROM delivery_delivery WHERE label = %s)",
                arguments[1],
            )
        return subprocess.Popen(
            [sys.executable, str(MANAGE), *arguments],
            env=self.environment(chunk, **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=MANAGE.parent,
        )

    def environment(self, chunk: int = 25, **more: str) -> dict[str, str]:
        return os.environ | {
            "DATABASE_URL": self.url,
            "ANALYSIS_CHUNK_SIZE": str(chunk),
            **more,
        }

    def run(
        self, *arguments: str, chunk: int = 25, expect: int = 0, **more: str
    ) -> str:
        process = self.start(*arguments, chunk=chunk, **more)
        code, output = ended(process)
        assert code == expect, output
        return output

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        if self.url.startswith("sqlite"):
            path = self.url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=30)) as database:
                found = database.execute(sql.replace("%s", "?"), values).fetchall()
                database.commit()
                return found
        with closing(psycopg2.connect(self.url)) as database:
            database.autocommit = True
            cursor = database.cursor()
            cursor.execute(sql, values)
            return list(cursor.fetchall()) if cursor.description else []

    def digest(self, label: str) -> str:
        """Of the outcome rows: profile, address, cause."""
        rows = self.query(
            "SELECT o.profile_id, o.address, o.rule_id FROM delivery_outcome o"
            " JOIN delivery_delivery d ON d.id = o.delivery_id WHERE d.label = %s"
            " ORDER BY o.profile_id",
            label,
        )
        return f"{len(rows)}:{hashlib.sha256(repr(rows).encode()).hexdigest()}"

    def runs(self, label: str) -> list[tuple[Any, ...]]:
        """Number, state and stop of the delivery's analyses, oldest first."""
        return self.query(
            "SELECT a.id, a.state, a.stop_requested FROM delivery_analysis a"
            " JOIN delivery_delivery d ON d.id = a.delivery_id WHERE d.label = %s"
            " ORDER BY a.id",
            label,
        )

    def judged(self, label: str) -> tuple[int, int, int]:
        """Chunks judged, chunks left, and the profiles of those that are judged."""
        rows = self.query(
            "SELECT c.is_judged, COUNT(*), SUM(c.size) FROM delivery_analysischunk c"
            " JOIN delivery_analysis a ON a.id = c.analysis_id"
            " JOIN delivery_delivery d ON d.id = a.delivery_id WHERE d.label = %s"
            " GROUP BY c.is_judged",
            label,
        )
        found = {bool(is_judged): (count, size) for is_judged, count, size in rows}
        done, size = found.get(True, (0, 0))
        return done, found.get(False, (0, 0))[0], size

    def wait_for(self, what: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not what():
            assert time.monotonic() < deadline, "it takes too long"
            time.sleep(0.002)


def ended(process: Any) -> tuple[int, str]:
    """The exit code and what was printed, when the process is over."""
    try:
        output, _nothing = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, str(output)


@pytest.fixture(scope="module")
def site(migrated: Path) -> Iterator[Site]:
    with postgresql() if IS_POSTGRESQL else sqlite() as url:
        yield Site(url, migrated)


def killed_at(
    site: Site, label: str, chunks: int, seconds: float, *options: str
) -> None:
    """Start an analysis and kill -9 it when so many chunks are judged."""
    process = site.start("analyse_delivery", label, "--json", *options)
    site.wait_for(lambda: process.poll() is not None or site.judged(label)[0] >= chunks)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_after_kills_at_any_moment_the_rows_are_those_of_one_run(site: Site) -> None:
    label = site.unused.pop()
    chance = random.Random()
    seed = chance.randrange(10**6)
    chance.seed(seed)
    moments = [0, *sorted(chance.sample(range(1, 80), KILLS - 2)), PEOPLE // 25]
    states = []
    for chunks in moments:
        killed_at(site, label, chunks, chance.random() / 100)
        _done, _left, size = site.judged(label)
        rows = int(site.digest(label).split(":")[0])
        assert rows == size, f"half a chunk was counted, seed {seed}"
        states += [run[1] for run in site.runs(label)[-1:]]
    assert "running" in states, f"no kill came in the middle, seed {seed}"
    site.run("analyse_delivery", label)
    assert site.digest(label) == site.expected, f"seed {seed}"
    assert len(site.runs(label)) <= 2
    assert site.runs(label)[-1][1] == "ready"


# stop_analysis as soon as there is something to stop.
STOP = (
    "import time\n"
    "from django.core.management import call_command\n"
    "from delivery.models import AnalysisChunk\n"
    "rows = AnalysisChunk.objects.filter(analysis__delivery__label='{label}')\n"
    "rows.exists()\n"
    "print('waiting', flush=True)\n"
    "while not rows.filter(is_judged=True).exists(): time.sleep(0.01)\n"
    "call_command('stop_analysis', '{label}')"
)


def test_a_stop_from_another_process_ends_the_run_and_it_goes_on_later(
    site: Site,
) -> None:
    label = site.unused.pop()
    stopper = site.start("shell", "-v0", "-c", STOP.format(label=label))
    # Small chunks: it must not be through before the other process has seen it.
    assert stopper.stdout.readline() == "waiting\n"
    process = site.start("analyse_delivery", label, "--json", chunk=5)
    assert ended(stopper) == (
        0,
        f"The analysis of {label} stops after its present chunks.\n",
    )
    code, output = ended(process)
    assert code == 1
    assert '"state": "stopped"' in output
    assert "call again to go on" in output
    done, left, size = site.judged(label)
    assert done > 0
    assert int(site.digest(label).split(":")[0]) == size
    assert left > 0
    assert "is not being analysed" in site.run("stop_analysis", label, expect=1)
    site.run("analyse_delivery", label, "--connections", "2")
    assert site.digest(label) == site.expected
    assert [run[1] for run in site.runs(label)] == ["ready"]


def test_rules_that_changed_in_between_start_the_run_anew(site: Site) -> None:
    label = site.unused.pop()
    killed_at(site, label, 20, 0)
    assert [run[1] for run in site.runs(label)] == ["running"]
    switch = (
        "UPDATE delivery_typologyrule SET is_active = {} WHERE code = 'filter:country'"
    )
    site.query(switch.format("FALSE"))
    try:
        site.run("analyse_delivery", label)
        states = [run[1] for run in site.runs(label)]
        assert (len(states), states[-1]) == (2, "ready")
        assert site.digest(label) != site.expected
        other = site.unused.pop()
        site.run("analyse_delivery", other, chunk=50_000)
        assert site.digest(label) == site.digest(other)
    finally:
        site.query(switch.format("TRUE"))


# People who opt out one by one, and an import, while an analysis runs.
CHANGE_PEOPLE = (
    "import random\n"
    "from django.core.management import call_command\n"
    "from audiences import consent\n"
    "from audiences.models import Profile\n"
    "origin = consent.Origin(source='api')\n"
    "for number in random.sample(range(1, 3001), 60):\n"
    "    consent.opt_out(Profile.objects.get(pk=number), 'email', origin)\n"
    "call_command('import_profiles', '{path}', '--json')\n"
)


def test_opt_outs_and_an_import_during_a_run_are_in_its_rows(
    site: Site, tmp_path: Path
) -> None:
    label, other = site.unused.pop(), site.unused.pop()
    path = tmp_path / "people.csv"
    # People who are there with an address of their own: newcomers are in no old run.
    known = [n for n in range(1001, 1100, 7) if n % 50 and n % 100 not in (7, 13, 57)]
    rows = [f"person{n}@mail.example,{n % 2}" for n in known]
    path.write_text("email,no_longer_contact\n" + "\n".join(rows))
    killed_at(site, label, 30, 0)
    changing = site.start("shell", "-v0", "-c", CHANGE_PEOPLE.format(path=path))
    killed_at(site, label, 60, 0)
    code, output = ended(changing)
    assert code == 0, output
    site.run("analyse_delivery", label)
    assert len(site.runs(label)) == 1, "it began anew"
    site.run("analyse_delivery", other, chunk=50_000)
    site.expected = site.digest(other)
    assert site.digest(label) == site.expected


@pytest.mark.skipif(not IS_POSTGRESQL, reason="SQLite has one writer")
def test_several_connections_give_the_same_rows(site: Site) -> None:
    label = site.unused.pop()
    killed_at(site, label, 30, 0, "--connections", "3")
    done, _left, size = site.judged(label)
    assert int(site.digest(label).split(":")[0]) == size
    assert done >= 30
    site.run("analyse_delivery", label, "--connections", "3")
    assert site.digest(label) == site.expected


@pytest.mark.skipif(not IS_POSTGRESQL, reason="SQLite has no server")
def test_a_lost_connection_is_reported_and_the_next_call_goes_on(site: Site) -> None:
    label = site.unused.pop()
    process = site.start("analyse_delivery", label)
    site.wait_for(lambda: site.judged(label)[0] > 20)
    site.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    code, output = ended(process)
    assert code == 1, output
    assert "The connection to the database was lost (" in output
    assert "analyse the delivery again to go on" in output
    assert "Traceback" not in output
    _done, left, size = site.judged(label)
    assert left > 0
    assert int(site.digest(label).split(":")[0]) == size
    site.run("analyse_delivery", label)
    assert site.digest(label) == site.expected


# ------------------------------------------------------------------ workers
REDIS = "redis://127.0.0.1:6379/7"


def _redis_is_there() -> bool:
    try:
        return bool(redis.Redis.from_url(REDIS, socket_connect_timeout=1).ping())
    except redis.RedisError:
        return False


@contextmanager
def worker(site: Site, broker: str, log: Path) -> Iterator[None]:
    """A Celery worker in a process of its own, ready for work."""
    command = "-A campaign worker -P solo -l INFO --without-gossip --without-mingle"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", *command.split()],
            env=site.environment(CELERY_BROKER_URL=broker),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=MANAGE.parent,
        )
        try:
            site.wait_for(
                lambda: "ready." in log.read_text() or process.poll() is not None
            )
            assert process.poll() is None, log.read_text()
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


BROKERS = [
    "filesystem://",
    pytest.param(
        REDIS, marks=pytest.mark.skipif(not _redis_is_there(), reason="no Redis")
    ),
]


@pytest.mark.parametrize("broker", BROKERS)
def test_a_worker_completes_what_is_left_to_it(
    site: Site, broker: str, tmp_path: Path
) -> None:
    label, log = site.unused.pop(), tmp_path / "worker.log"
    with worker(site, broker, log):
        if IS_POSTGRESQL:
            _help_and_outlive(site, label, broker, log)
        said = site.run(
            "analyse_delivery", label, "--background", CELERY_BROKER_URL=broker
        )
        assert "waits for a worker" in said
        site.wait_for(lambda: [run[1] for run in site.runs(label)] == ["ready"])
    assert site.digest(label) == site.expected, log.read_text()


def _help_and_outlive(site: Site, label: str, broker: str, log: Path) -> None:
    """A worker that helps judges the other chunks when the run's process is killed."""
    process = site.start(
        "analyse_delivery", label, "--workers", "1", chunk=10, CELERY_BROKER_URL=broker
    )
    site.wait_for(lambda: "help_analysis[" in log.read_text())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert site.judged(label)[1] > 0, "the run was over before the kill"
    site.wait_for(lambda: site.judged(label)[1] == 0)
    assert [run[1] for run in site.runs(label)] == ["running"]
