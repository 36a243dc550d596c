"""How fast the API is on PostgreSQL: make bench-api N=1000000

N people, of whom some are in quarantine, are suppressed, have a limit or a pause. A
thousand of them asked whether they are contactable, by address and by id, a hundred
times each, of the server that production has; N opt-outs and N subscriptions in calls of a thousand, from two
processes; changes told to a receiver in a process of its own, by one worker.
"""

import json
import logging
import os
import random
import socket
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

from .databases import machine, manage, postgresql

SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "campaign.settings",
    "DEBUG": "0",
    "PHONE_REGION": "NL",
    "ENDPOINTS_ALLOW_PRIVATE": "1",
    "SECRET_KEY": "a key for benchmarks that nobody uses elsewhere 0123456789",
    "SUPPRESSION_KEYS": "another key for benchmarks that nobody uses 0123456789",
    "ALLOWED_HOSTS": "*",
}
ITEMS, ROUNDS, PROCESSES = 1_000, 100, 2
TOLD = 10_000
# The seconds after which a worker's turn ends.
TURN = 120.0


def start() -> None:
    import django

    django.setup()
    # As in production each request is a line of the log: thousands, nobody's to read.
    logging.getLogger("campaign.requests").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", "No directory at")


class Program:
    """Calls the API inside this process, as a server would have it called."""

    def __init__(self, secret: str) -> None:
        from django.test import Client

        self.client, self.secret = Client(), secret

    def post(self, path: str, body: bytes) -> Any:
        answer = self.client.post(
            f"/api/v1/{path}",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.secret}"},
        )
        assert answer.status_code == 200, answer.content[:500]
        return answer


def contactable(secret: str, count: int, port: int) -> None:
    """Milliseconds of a question about a thousand people, over HTTP."""
    line, chance = HTTPConnection("127.0.0.1", port, timeout=60), random.Random(7)
    headers = {
        "Authorization": f"Bearer {secret}",
        "Content-Type": "application/json",
        "X-Forwarded-Proto": "https",
    }
    ways = (
        ("addresses", "person{}@mail.example"),
        ("profiles", "id:{}"),
        ("profiles", "ext:c{}"),
    )
    for name, form in ways:
        for service in (None, "bench"):
            took = []
            for _round in range(ROUNDS):
                people = chance.sample(range(1, count + 1), min(ITEMS, count))
                facts: dict[str, Any] = {
                    "channel": "email",
                    name: [form.format(n) for n in people],
                }
                if service:
                    facts["service"] = service
                body = json.dumps(facts).encode()
                began = time.perf_counter()
                line.request("POST", "/api/v1/contactable", body, headers)
                answer = line.getresponse()
                text = answer.read()
                took.append((time.perf_counter() - began) * 1000)
                assert answer.status == 200, text[:500]
            took.sort()
            print(
                f"contactable, {len(people):,} {name} ({form})"
                f"{' and a service' if service else ''}: "
                f"median {statistics.median(took):.1f} ms, "
                f"99% under {took[-2]:.1f} ms, all under {took[-1]:.1f} ms",
                flush=True,
            )


@contextmanager
def serving(url: str) -> Iterator[int]:
    """The port of the server that production has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    facts = {
        "DATABASE_URL": url,
        "BIND": f"127.0.0.1:{port}",
        "TRUSTED_PROXIES": "1",
    }
    command = [sys.executable, "-m", "gunicorn"]
    # Each request is a line of the log: thousands, nobody's to read.
    server = subprocess.Popen(
        [*command, "--config", "python:campaign.serving.gunicorn"],
        env=os.environ | SETTINGS | facts,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _attempt in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        # It listens before it has loaded the site.
        line = HTTPConnection("127.0.0.1", port, timeout=60)
        line.request("GET", "/healthz")
        line.getresponse().read()
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def acts(secret: str, kind: str, first: int, last: int) -> None:
    """Calls of a thousand acts, about the people between two ids."""
    start()
    program = Program(secret)
    for low in range(first, last, ITEMS):
        ids = range(low, min(low + ITEMS, last))
        if kind == "consent":
            rows = [
                {
                    "profile": f"id:{n}",
                    "action": "opt_out",
                    "channel": "sms",
                    "note": "x",
                }
                for n in ids
            ]
        else:
            rows = [
                {"profile": f"id:{n}", "service": "other", "action": "subscribe"}
                for n in ids
            ]
        program.post(kind, json.dumps({"items": rows}).encode())


def told(count: int) -> None:
    """How many changes a second one worker tells a receiver."""
    start()
    from audiences import endpoints, feed
    from audiences.feed import Position
    from audiences.models import Endpoint

    code = "from tests.api.receiver import serve; serve()"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    url = process.stdout.readline().strip()
    shown = endpoints.create(url, ["consent.opted_out"])
    Endpoint.objects.filter(pk=shown.endpoint.pk).update(position=str(Position()))
    assert feed.read(Position(), 1).changes
    began, cpu = time.perf_counter(), time.process_time()
    taken = endpoints.work(shown.endpoint.pk, seconds=min(TURN, count / 500))
    took, used = time.perf_counter() - began, time.process_time() - cpu
    process.terminate()
    print(
        f"told {taken:,} changes in {took:.1f} s: {taken / took:,.0f} a second, "
        f"{taken / used:,.0f} a second of one core",
        flush=True,
    )


FILL = """
from django.db import connection
from django.utils import timezone
from audiences import api_keys, sql, suppression
from audiences.suppression import Entry, Reason
from tests.benchmarks.people import KEY, DENYLISTED, QUARANTINED, statements
numbers = "(SELECT generate_series(1, {count}) AS n) AS numbers"
first = statements(numbers, "now()", "now() - interval '2 days'")[:3]
for text in first:
    sql.execute(text)
sql.execute("UPDATE audiences_profile SET external_id = 'c' || id")
sql.execute(
    "INSERT INTO delivery_quarantineentry (channel, key, status, reason, type,"
    " error_count, text, last_error_at)"
    f" SELECT 'email', {{KEY}}, CASE WHEN {{DENYLISTED}} THEN 'denylisted'"
    f" ELSE 'quarantine' END, 'user_unknown', 'hard', 1, '', now() FROM {{numbers}}"
    f" WHERE {{DENYLISTED}} OR {{QUARANTINED}}"
)
sql.execute(
    "INSERT INTO audiences_contactwish (profile_id, channel, per_month, paused_until,"
    " since, source, actor, wording_version, user_agent, ended_source, ended_actor,"
    " ended_note) SELECT n, 'email', CASE WHEN n % 400 = 1 THEN 2 END, CASE WHEN"
    " n % 400 <> 1 THEN now() + interval '9 days' END, now(), 'page', '', '', '', '',"
    f" '', '' FROM {{numbers}} WHERE n % 200 = 1"
)
suppression.suppress(
    Entry("email", f"gone{{n}}@mail.example", "any", Reason.ERASED)
    for n in range({count} // 200)
)
sql.execute("SELECT setval(pg_get_serial_sequence('audiences_profile', 'id'), {count})")
sql.execute("SELECT setval(pg_get_serial_sequence('audiences_address', 'id'), {count})")
sql.execute("VACUUM ANALYZE")
print(api_keys.create("bench", ["administrator"], rate=1_000_000).secret)
"""


@contextmanager
def timed(name: str, count: int) -> Any:
    began = time.perf_counter()
    yield
    took = time.perf_counter() - began
    print(f"{name}: {took:.1f} s, {count / took:,.0f} a second", flush=True)


def run(url: str, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | SETTINGS | {"DATABASE_URL": url}
    command = [sys.executable, "-m", "tests.benchmarks.bench_api", *arguments]
    return subprocess.Popen(command, env=environment, text=True)


def finish(*processes: "subprocess.Popen[str]") -> None:
    for process in processes:
        if process.wait():
            raise SystemExit("a part of the benchmark failed")


def main(count: int) -> None:
    print(f"{machine()}; {count:,} people")
    os.environ |= {name: SETTINGS[name] for name in ("SUPPRESSION_KEYS",)}
    with postgresql() as url:
        manage(url, "migrate", "-v0")
        for slug in ("bench", "other"):
            manage(url, "create_service", slug, "--label=N", "--channel=email")
        filled = manage(url, "shell", "-v0", "-c", FILL.format(count=count))
        secret = filled.output.strip().splitlines()[-1]
        with serving(url) as port:
            finish(run(url, "contactable", secret, str(count), str(port)))
        half = count // PROCESSES
        for kind in ("consent", "subscriptions"):
            with timed(f"{kind}, {count:,} in calls of {ITEMS:,}", count):
                finish(
                    *(
                        run(
                            url,
                            "acts",
                            secret,
                            kind,
                            str(1 + n * half),
                            str(1 + (n + 1) * half),
                        )
                        for n in range(PROCESSES)
                    )
                )
        finish(run(url, "told", str(min(count, TOLD))))


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "contactable":
        contactable(rest[0], int(rest[1]), int(rest[2]))
    elif what == "acts":
        acts(rest[0], rest[1], int(rest[2]), int(rest[3]))
    elif what == "told":
        told(int(rest[0]))
    else:
        main(int(what))
