"""Kill what the site stands on: python -m tests.chaos.services [SECONDS] [--rabbitmq]

PostgreSQL, the queue (Redis, or RabbitMQ), the web server and the workers are killed, in
an order drawn at random and under load, for SECONDS (default 60). All of them are
servers of its own, on ports of their own. Then it waits until everything works by
itself, and compares: each opt-out that was answered is in the history, each person whom
nobody opted out got the mail once or is uncertain, nobody got it twice, and one clock
ticked. Nobody restarts what `serve` keeps.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from tests.benchmarks import mail_sink
from tests.benchmarks.databases import machine, manage

from . import surroundings
from .queues import Queue
from .surroundings import Cluster

PEOPLE = 3000
SETTINGS = {"SEND_RATE": "40", "WORKERS": "2", "WEB_PROCESSES": "1"}
# Seconds in which everything must work again by itself.
RECOVERY = 150.0


@dataclass
class Chaos:
    """What runs, and what was noted."""

    folder: Path
    seed: int
    cluster: Cluster
    queue: Queue
    port: int
    site: "subprocess.Popen[bytes]"
    killed: Counter[str] = field(default_factory=Counter)
    answered: list[int] = field(default_factory=list)
    unanswered: Counter[str] = field(default_factory=Counter)
    over: Event = field(default_factory=Event)

    def children(self, *, of: str) -> list[int]:
        """The processes of the keeper whose command has these words."""
        out = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.site.pid)],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        return [int(line.split()[0]) for line in out.splitlines() if of in line]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=60.0)
    parser.add_argument("--rabbitmq", action="store_true")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()
    print(f"{machine()}; seed {given.seed}", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        chaos = _begin(folder, given.seed, stack, is_rabbitmq=given.rabbitmq)
        return _run(chaos, given.seconds)


def _begin(folder: Path, seed: int, stack: ExitStack, *, is_rabbitmq: bool) -> Chaos:
    cluster = stack.enter_context(surroundings.cluster(folder / "postgresql"))
    queue = Queue(folder, is_rabbitmq=is_rabbitmq)
    queue.start()
    stack.callback(queue.kill)
    arrived = folder / "arrived"
    arrived.touch()
    mail = stack.enter_context(mail_sink.running(arrived))
    port = surroundings.free_port()
    os.environ |= surroundings.production(folder, port, cluster.url) | SETTINGS
    os.environ |= {
        "CELERY_BROKER_URL": queue.url,
        "EMAIL_URL": f"smtp://127.0.0.1:{mail}",
    }
    manage(cluster.url, "migrate", "-v0")
    serve = [sys.executable, "manage.py", "serve", "--no-migrate"]
    site = surroundings.start(*serve, log=folder / "site.log")
    stack.callback(_end, site)
    surroundings.wait_for(port, 90)
    return Chaos(folder, seed, cluster, queue, port, site)


def _end(site: "subprocess.Popen[bytes]") -> None:
    """As a person ends it; what does not end within its patience is killed."""
    site.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        site.wait(timeout=40)
    surroundings.kill(site)


def _run(chaos: Chaos, seconds: float) -> int:
    import django

    django.setup()
    from delivery.sending import sendings

    from . import people

    mails, _texts = people.fill(PEOPLE, is_postgresql=True)
    links = _links()
    sendings.begin(mails, actor="chaos")
    clicking = Thread(target=_click, args=(chaos, links))
    clicking.start()
    _kill_for(chaos, seconds)
    print(f"Killed: {dict(chaos.killed)}. Now nobody is.", flush=True)
    recovered = _until(lambda: _ready(chaos), RECOVERY)
    chaos.over.set()
    clicking.join()
    sent = _until(lambda: _is_sent(mails), RECOVERY)
    return _look(chaos, mails, recovered, sent)


def _links() -> dict[int, str]:
    """A one-click address for every third person."""
    from audiences.links import Link, web_addresses
    from audiences.models import Profile

    people = list(Profile.objects.order_by("pk").values_list("pk", flat=True))
    return {pk: web_addresses.one_click_url(Link(pk, "email")) for pk in people[::3]}


def _click(chaos: Chaos, links: dict[int, str]) -> None:
    """Mail programs: one click after the other, tried again as they do."""
    for pk, url in links.items():
        while not chaos.over.is_set():
            data = b"List-Unsubscribe=One-Click"
            try:
                with urllib.request.urlopen(url, data=data, timeout=15) as answer:
                    if answer.status == 200:
                        chaos.answered.append(pk)
                        break
            except urllib.error.HTTPError as error:
                chaos.unanswered[str(error.code)] += 1
                error.close()
            except OSError:
                chaos.unanswered["no connection"] += 1
            time.sleep(0.2)
        if chaos.over.is_set():
            return
        time.sleep(0.05)


def _kill_for(chaos: Chaos, seconds: float) -> None:
    chance, end = random.Random(chaos.seed), time.monotonic() + seconds
    ways: dict[str, Callable[[], None]] = {
        "postgresql": chaos.cluster.crash,
        "queue": lambda: _bounce(chaos.queue, chance.uniform(0.5, 6)),
        "worker": lambda: _kill_child(chaos, "worker", chance),
        "web": lambda: _kill_child(chaos, "gunicorn", chance),
    }
    # Each of them once, and then whatever chance says.
    first = chance.sample([*ways], len(ways))
    while time.monotonic() < end or first:
        time.sleep(chance.uniform(2, 6))
        what = first.pop() if first else chance.choice([*ways])
        ways[what]()
        chaos.killed[what] += 1


def _bounce(queue: Queue, seconds: float) -> None:
    queue.kill()
    time.sleep(seconds)
    queue.start()


def _kill_child(chaos: Chaos, words: str, chance: random.Random) -> None:
    if found := chaos.children(of=words):
        with suppress(ProcessLookupError):
            os.kill(chance.choice(found), signal.SIGKILL)


def _until(holds: Callable[[], bool], seconds: float) -> float | None:
    """The seconds until something holds; None if it did not in time."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if holds():
            return time.monotonic() - began
        time.sleep(1)
    return None


def _ready(chaos: Chaos) -> bool:
    with suppress(OSError):
        address = f"http://127.0.0.1:{chaos.port}/readyz"
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    return False


def _is_sent(delivery: object) -> bool:
    from django.db import DatabaseError, connection

    from delivery.models import Sending

    with suppress(DatabaseError):
        state = Sending.objects.get(delivery=delivery).state
        connection.close()
        return bool(state == "sent")
    connection.close()
    return False


def _look(
    chaos: Chaos, mails: object, recovered: float | None, sent: float | None
) -> int:
    bad = [*_findings(chaos, mails)]
    if recovered is None:
        bad.append(f"not ready within {RECOVERY:.0f} s: {_tail(chaos)}")
    if sent is None:
        bad.append(f"not sent within {RECOVERY:.0f} s after that: {_tail(chaos)}")
    print(
        f"{len(chaos.answered):,} opt-outs answered; not answered: "
        f"{dict(chaos.unanswered)}. Ready after {recovered and round(recovered)} s, "
        f"sent {sent and round(sent)} s later.",
        flush=True,
    )
    for finding in bad:
        print(f"WRONG: {finding}")
    print("Something is wrong." if bad else "Nothing is wrong.", flush=True)
    return 1 if bad else 0


def _tail(chaos: Chaos) -> str:
    return (chaos.folder / "site.log").read_text(errors="replace")[-1500:]


def _findings(chaos: Chaos, mails: object) -> Iterator[str]:
    from audiences.models import ConsentEvent, Lease
    from delivery.models import Dispatch

    from . import people

    out = {
        *ConsentEvent.objects.filter(kind__in=("opt_out", "unsubscribe")).values_list(
            "profile_id", flat=True
        )
    }
    if lost := {*chaos.answered} - out:
        yield f"{len(lost)} opt-outs were answered and are lost: {sorted(lost)[:5]}"
    arrived = people.arrivals((chaos.folder / "arrived").read_text().splitlines())
    if twice := [whose for whose, moments in arrived.items() if len(moments) > 1]:
        yield f"{len(twice)} got it twice: {twice[:5]}"
    rows = dict(
        Dispatch.objects.filter(delivery=mails).values_list("profile_id", "status")
    )
    print(f"Statuses: {dict(Counter(rows.values()))}", flush=True)
    got = {pk for channel, pk in arrived if channel == "email"}
    if lost_mails := {pk for pk, status in rows.items() if status == "sent"} - got:
        yield f"{len(lost_mails)} are sent and did not arrive"
    if Lease.objects.filter(name="clock").count() != 1:
        yield "there is no lease of the clock"


if __name__ == "__main__":
    sys.exit(main())
