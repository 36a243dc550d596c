"""Deliveries that are sent while everything breaks: python -m tests.chaos.sending [N]

N mails and a tenth as many text messages leave by four workers of Celery, on a
PostgreSQL and a Redis of their own. Workers are killed at random, PostgreSQL is
restarted once in the middle, and all the while people opt out: by one-click, on a page,
by texting STOP. Most of them are those whose turn is next. Then what arrived at the
servers is compared with the histories (`findings`). Any finding ends it with 1.

With `--sqlite` the same on SQLite: one worker of one machine, and nothing to restart.
`--seed` repeats the choices of a run, `--kills` says how many.
"""

import argparse
import os
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from tests.benchmarks import mail_sink
from tests.benchmarks.databases import machine, manage

from . import surroundings
from .surroundings import Cluster, Workers

WORKERS = 4
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "campaign.settings",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "DEBUG": "0",
    "ALLOWED_HOSTS": "127.0.0.1",
    "BASE_URL": "https://news.example.org",
    "DEFAULT_FROM_EMAIL": "news@example.org",
    "UNSUBSCRIBE_MAILBOX": "unsubscribe@example.org",
    "BOUNCE_MAILBOX": "bounces@example.org",
    "PHONE_REGION": "NL",
    "SMS_WEBHOOK_SECRETS": secrets.token_urlsafe(30),
    "SMS_GATEWAY": "delivery.transports.http_sms.HttpGateway",
    "SMS_HTTP_BODY": "{{ number }} {{ text }}",
    "ENDPOINTS_ALLOW_PRIVATE": "1",
    "SEND_WORKERS": str(WORKERS),
    "TRUSTED_PROXIES": "1",
}
CELERY = (sys.executable, "-m", "celery", "-A", "campaign")
ON_POSTGRESQL = (*CELERY, "worker", "--concurrency", "1", "-n", "w{number}@%h")
ON_SQLITE = (sys.executable, "manage.py", "worker")
# Seconds between two kills (more among many people), at least and at most; how long a worker lives at least.
PAUSE, YOUNGEST = (1.0, 4.0), 8.0
LONGEST = 3_600.0


@dataclass
class Run:
    """What is needed of a chaos, and what is noted while it goes on."""

    folder: Path
    count: int
    kills: int
    seed: int
    cluster: Cluster | None
    workers: Workers | None = None
    answered: list[tuple[str, int, float]] = field(default_factory=list)
    unanswered: Counter[str] = field(default_factory=Counter)
    over: Event = field(default_factory=Event)

    @property
    def log(self) -> Path:
        return self.folder / "arrived"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--sqlite", action="store_true")
    given = parser.parse_args()
    print(f"{machine()}; seed {given.seed}", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        os.environ |= SETTINGS
        made: Cluster | None = None
        if given.sqlite:
            os.environ["DATABASE_URL"] = f"sqlite:///{folder}/chaos.sqlite3"
        else:
            made = stack.enter_context(surroundings.cluster(folder / "postgresql"))
            os.environ["DATABASE_URL"] = made.url
            os.environ["CELERY_BROKER_URL"] = stack.enter_context(
                surroundings.redis(folder)
            )
        run = Run(folder, given.count, given.kills, given.seed, made)
        run.log.touch()
        port = stack.enter_context(mail_sink.running(run.log))
        os.environ["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
        os.environ["SMS_HTTP_URL"] = f"http://127.0.0.1:{port + 1}/"
        return _sent(run, stack)


def _sent(run: Run, stack: ExitStack) -> int:
    manage(os.environ["DATABASE_URL"], "migrate", "-v0")
    import django

    django.setup()
    from django.db import connection

    from delivery.sending import sendings

    from . import findings, people

    mails, texts = people.fill(run.count, is_postgresql=run.cluster is not None)
    web = stack.enter_context(surroundings.site(run.folder))
    if run.cluster:
        beat = (*CELERY, "beat", "-s", str(run.folder / "beat"))
        log = run.folder / "beat.log"
        stack.enter_context(surroundings.process(*beat, log=log))
    count, command = (WORKERS, ON_POSTGRESQL) if run.cluster else (1, ON_SQLITE)
    run.workers = stack.enter_context(surroundings.workers(count, run.folder, command))
    began = time.monotonic()
    both = (mails, texts)
    for delivery in both:
        sendings.begin(delivery, actor="chaos")
    connection.close()
    threads = [
        Thread(target=people.opt_out, args=(run, web, both, number))
        for number in range(3)
    ]
    threads.append(Thread(target=_kill, args=(run,)))
    for thread in threads:
        thread.start()
    try:
        _wait(run, both, began)
    finally:
        run.over.set()
        for thread in threads:
            thread.join()
    print(f"Sent within {time.monotonic() - began:,.0f} s.", flush=True)
    return findings.look(run, both)


def _wait(run: Run, both: tuple[Any, Any], began: float) -> None:
    """Until both are sent; PostgreSQL is restarted when a third of the mails is."""
    shown = 0.0
    while time.monotonic() - began < LONGEST:
        time.sleep(0.5)
        arrived = run.log.read_bytes().count(b"\n")
        if run.cluster and not run.cluster.restarts and arrived > run.count / 3:
            run.cluster.restart()
            print(f"{arrived:,} have arrived: PostgreSQL was restarted.", flush=True)
        if time.monotonic() - shown > 5:
            shown = time.monotonic()
            states = [_state(delivery) for delivery in both]
            kills = run.workers.kills if run.workers else 0
            print(f"{arrived:,} arrived, {states}, {kills} kills", flush=True)
            if not {"sending", "scheduled", "not known"} & {*states}:
                return
    raise SystemExit(f"Not sent within {LONGEST:,.0f} s: {run.folder}")


def _state(delivery: Any) -> str:
    from django.db import DatabaseError, connection

    from delivery.models import Sending

    try:
        return str(Sending.objects.get(delivery=delivery).state)
    except DatabaseError:  # the server was restarted
        return "not known"
    finally:
        connection.close()


def _kill(run: Run) -> None:
    chance = random.Random(run.seed)
    longer = max(1.0, run.count / 20_000)
    while run.workers and run.workers.kills < run.kills:
        if run.over.wait(chance.uniform(*PAUSE) * longer):
            return
        run.workers.kill_one(chance, youngest=YOUNGEST)


if __name__ == "__main__":
    sys.exit(main())
