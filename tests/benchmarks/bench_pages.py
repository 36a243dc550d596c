"""How quickly the public pages act, under load: make bench-pages

gunicorn with two workers on PostgreSQL, on this machine only. One-click POSTs, and the
opt-out page shown and submitted, beside a view that does one INSERT and nothing else: on
the same server, in turns. Each POST opts out somebody else, and the run ends with proof
that every one did. The last asks for a link by mail, for known and unknown addresses in
turn: whoever times the answers must not learn which are known.

Rounds of REQUESTS requests each, in which all take turns; CLIENTS ask at once.
"""

import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from urllib.parse import urlencode

import altcha

from .databases import machine, manage, postgresql

ROUNDS = 3
CLIENTS = 4
WORKERS = 2
MOST_REQUESTS = 20_000
FORM = "application/x-www-form-urlencoded"
FLOOR = "one INSERT"
ASK = "ask for a link"


def request(method: str, path: str, port: int, body: str = "") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close"
    if method == "POST":
        head += f"\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}"
    return f"{head}\r\nX-Forwarded-Proto: https\r\n\r\n{body}".encode()


def ask(port: int, raw: bytes) -> float:
    """Seconds until the whole answer is there; any other than a page, or the way to one
    (303), ends the run."""
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(raw)
        answer = line.recv(65536)
        while line.recv(65536):
            pass
    if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 303")):
        raise SystemExit(f"An answer of {answer[:200]!r} to {raw[:200]!r}")
    return time.perf_counter() - started


def round_of(port: int, requests: list[bytes]) -> tuple[float, list[float]]:
    """Requests per second, and the seconds of each."""
    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        seconds = list(clients.map(lambda raw: ask(port, raw), requests))
    return len(requests) / (time.perf_counter() - started), seconds


@contextmanager
def gunicorn(url: str) -> Iterator[int]:
    """The port of a server with the pages and the view for comparison."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "gunicorn", "tests.benchmarks.page_server"]
    command += ["--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS)]
    command += ["--log-level", "warning"]
    # As in production each request is a line of the log: thousands, nobody's to read.
    server = subprocess.Popen(
        command,
        env=os.environ | {"DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _attempt in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def fill(count: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO audiences_profile (id, first_name, last_name, language,
               country, no_longer_contact, no_longer_contact_email, created_at)
               SELECT n, 'Name', 'Family', 'nl', 'NL', FALSE, FALSE, now()
               FROM generate_series(1, %s) n""",
            [count],
        )
        cursor.execute(
            """INSERT INTO audiences_address
               (id, profile_id, channel, value, key, is_primary, is_valid)
               SELECT n, n, 'email', 'p' || n || '@mail.example',
                      'p' || n || '@mail.example', TRUE, TRUE
               FROM generate_series(1, %s) n""",
            [count],
        )
        cursor.execute("CREATE TABLE bench_floor (id bigserial PRIMARY KEY, at text)")
        cursor.execute("VACUUM ANALYZE")


def cases(port: int) -> dict[str, Iterator[bytes]]:
    """Requests without end; each opt-out is of a person whom nobody has opted out."""
    from django.urls import reverse

    from audiences import landing_pages, links
    from audiences.links import Link, web_addresses
    from audiences.signups import proof_of_work

    page = landing_pages.create("stop", kind="unsubscription")
    landing_pages.publish(page)
    landing_pages.publish(landing_pages.create("ask", kind="denylist"))
    people, others = iter(range(1, 10**9)), iter(range(1, 10**9))
    turns = cycle("pu")

    def personal(pk: int) -> str:
        link = Link(pk, page=page.slug, kind=page.kind)
        return reverse(
            "pages:personal", args=[page.slug, web_addresses.page_token(link)]
        )

    def one_click(pk: int) -> str:
        return reverse("pages:one_click", args=[links.opt_out_token(Link(pk))])

    def asking(address: str) -> bytes:
        fields = {"address": address, "proof": solution(proof_of_work.challenge())}
        return request("POST", "/p/ask/", port, urlencode(fields))

    def endless(make: Callable[[], bytes]) -> Iterator[bytes]:
        while True:
            yield make()

    return {
        FLOOR: endless(lambda: request("POST", "/bench/floor/", port, "at=now")),
        "one-click POST": endless(
            lambda: request(
                "POST", one_click(next(people)), port, "List-Unsubscribe=One-Click"
            )
        ),
        "opt-out page, GET": endless(
            lambda: request("GET", personal(next(people)), port)
        ),
        "opt-out page, POST": endless(
            lambda: request("POST", personal(next(people)), port, "act=1")
        ),
        # p… are the addresses of people, u… are nobody's.
        ASK: endless(lambda: asking(f"{next(turns)}{next(others)}@mail.example")),
    }


def solution(challenge: str) -> str:
    """What the script of the page would find and post."""
    made = altcha.Challenge.from_dict(json.loads(challenge))
    solved = altcha.solve_challenge(made)
    return str(altcha.Payload(made, solved).to_base64())


def percentile(seconds: list[float], share: float) -> float:
    return sorted(seconds)[int(share * (len(seconds) - 1))] * 1000


def measure(url: str, each: int) -> None:
    import django

    django.setup()
    from audiences.models import ConsentEvent, OutboxMail, Profile

    fill(each * (ROUNDS + 1) * 3)
    rates: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    with gunicorn(url) as port:
        endless = cases(port)
        for name, requests in endless.items():  # warm
            round_of(port, list(islice(requests, each // 4)))
            rates[name], seconds[name] = [], []
        for _round in range(ROUNDS):
            for name, requests in endless.items():
                rate, taken = round_of(port, list(islice(requests, each)))
                rates[name].append(rate)
                seconds[name] += taken
    posts = 2 * (each // 4 + ROUNDS * each)
    out = Profile.objects.filter(no_longer_contact_email=True).count()
    events = ConsentEvent.objects.filter(kind="opt_out").count()
    if not out == events == posts:
        raise SystemExit(f"{posts:,} opt-outs, {out:,} flags and {events:,} events")
    mails = OutboxMail.objects.count()
    if mails * 2 != posts:
        raise SystemExit(f"{mails:,} of {posts // 2:,} requests for a link were taken")
    report(rates, seconds)
    print(f"{posts:,} opt-outs, each with its flag and its event")


def report(rates: dict[str, list[float]], seconds: dict[str, list[float]]) -> None:
    floor = statistics.median(rates[FLOOR])
    print(f"{'':<22}{'per s':>8}{'ratio':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}")
    for name, measured in rates.items():
        rate = statistics.median(measured)
        print(f"{name:<22}{rate:>8,.0f}{floor / rate:>8.2f}{shares(seconds[name])}")
    for name, first in (("  known addresses", 0), ("  unknown addresses", 1)):
        print(f"{name:<38}{shares(seconds[ASK][first::2])}")


def shares(seconds: list[float]) -> str:
    found = (percentile(seconds, share) for share in (0.5, 0.95, 0.99))
    return "".join(f"{milliseconds:>9.1f}" for milliseconds in found)


def main(each: int) -> None:
    if not 4 <= each <= MOST_REQUESTS or each % 8:
        raise SystemExit(
            f"REQUESTS must be a multiple of 8, at most {MOST_REQUESTS:,}."
        )
    print(
        f"{machine()}; gunicorn with {WORKERS} workers, {CLIENTS} clients, "
        f"{ROUNDS} rounds of {each:,} requests each"
    )
    with postgresql() as database:
        # The connection to the database is kept between requests.
        url = f"{database}?conn_max_age=60"
        os.environ |= {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "campaign.settings",
            "DEBUG": "0",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "127.0.0.1",
            "BASE_URL": "https://127.0.0.1",
            "DEFAULT_FROM_EMAIL": "bench@mail.example",
            "EMAIL_URL": "smtp://127.0.0.1:1",
            "CELERY_BROKER_URL": "memory://",
            # The work is the visitor's, and one network asks for all.
            "PROOF_OF_WORK_ROUNDS": "2",
            "REQUESTS_PER_NETWORK": str(10**9),
        }
        manage(url, "migrate", "-v0")
        measure(url, each)


if __name__ == "__main__":
    main(int(sys.argv[1]))
