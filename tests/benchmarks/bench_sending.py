"""How fast a delivery leaves, on PostgreSQL: make bench-sending N=100000

Personalised multipart mails with all headers and signed links, each target checked once
more and looked at again, its result on record, to a mail server in a process of its own
on the same machine; with 1, 2 and 4 workers, in turns with a bare loop: as many
processes and connections that write the same bytes and read the answers, and do nothing
else. Times of the processor are those of our processes, without the server, the
database, and the start of a process. A last round has a rate, and says how near to it
the messages left.
"""

import json
import os
import resource
import secrets
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from . import mail_sink
from .databases import machine, manage, postgresql

N, WORKERS, CONNECTIONS = 100_000, (1, 2, 4), 4
RATE, RATED_SECONDS = 200.0, 20
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "campaign.settings",
    "SECRET_KEY": secrets.token_urlsafe(40),
    "DEBUG": "0",
    "ALLOWED_HOSTS": "news.example.org",
    "DEFAULT_FROM_EMAIL": "news@example.org",
    "BASE_URL": "https://news.example.org",
    "UNSUBSCRIBE_MAILBOX": "unsubscribe@example.org",
    "BOUNCE_MAILBOX": "bounces@example.org",
    "SEND_CONNECTIONS": str(CONNECTIONS),
}


def main(count: int) -> None:
    print(
        f"{machine()}; PostgreSQL; {count:,} mails, {CONNECTIONS} connections a worker"
    )
    with postgresql() as url, mail_sink.running() as port:
        os.environ |= SETTINGS | {
            "DATABASE_URL": url,
            "EMAIL_URL": f"smtp://127.0.0.1:{port}",
        }
        manage(url, "migrate", "-v0")
        print(
            f"{'workers':>8}{'wall':>9}{'per s':>8}{'cpu':>9}{'per s of cpu':>14}"
            f"{'MB':>6}{'bare wall':>11}{'bare cpu':>10}{'ratio wall':>12}{'cpu':>7}"
        )
        _one("--fill", str(count))
        for workers in WORKERS:
            _row(count, workers)
        _rated()


def _row(count: int, workers: int) -> None:
    bare = _together(workers, "--bare", str(count // workers))
    made = _one("--prepare", f"{workers} workers", "")
    ours = _together(workers, "--work", str(made["id"]))
    told = manage(
        os.environ["DATABASE_URL"], "delivery_status", made["label"], "--json"
    )
    status = json.loads(told.output)
    if (status["state"], status["sent"]) != ("sent", status["to_deliver"]):
        raise SystemExit(f"Not all was sent: {told.output}")
    sent, scale = status["sent"], status["sent"] / (count // workers * workers)
    wall, cpu = _wall(ours), sum(one["cpu"] for one in ours)
    bare_wall = _wall(bare) * scale
    bare_cpu = sum(one["cpu"] for one in bare) * scale
    print(
        f"{workers:>8}{wall:>8.1f}s{sent / wall:>8,.0f}{cpu:>8.1f}s{sent / cpu:>14,.0f}"
        f"{max(one['megabytes'] for one in ours):>6.0f}{bare_wall:>10.1f}s"
        f"{bare_cpu:>9.1f}s{wall / bare_wall:>12.1f}{cpu / bare_cpu:>7.1f}",
        flush=True,
    )


def _rated() -> None:
    """Two workers and a rate: how near to it a delivery leaves."""
    people = int(RATE * RATED_SECONDS)
    made = _one("--prepare", "with a rate", str(people))
    ours = _together(2, "--work", str(made["id"]), str(RATE))
    told = manage(
        os.environ["DATABASE_URL"], "delivery_status", made["label"], "--json"
    )
    sent, wall = json.loads(told.output)["sent"], _wall(ours)
    print(
        f"{sent:,} at {RATE:,.0f} a second took {wall:.1f} s:"
        f" {sent / wall:,.0f} a second, {sent / wall / RATE - 1:+.1%}",
        flush=True,
    )


def _wall(found: list[dict[str, Any]]) -> float:
    began = min(one["began"] for one in found)
    return float(max(one["ended"] for one in found) - began)


def _started(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_sending", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _one(*arguments: str) -> dict[str, Any]:
    return _told(_started(*arguments))


def _together(workers: int, *arguments: str) -> list[dict[str, Any]]:
    """What as many processes say that do this at once."""
    return [
        _told(process) for process in [_started(*arguments) for _ in range(workers)]
    ]


def _told(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _none = process.communicate()
    if process.returncode:
        raise SystemExit(f"{process.args} failed")
    found: dict[str, Any] = json.loads(output)
    return found


# ------------------------------------------------------------ in a process of its own
def fill(count: int) -> dict[str, Any]:
    from django.db import connection

    from audiences import subscriptions
    from audiences.models import Organisation

    Organisation.objects.update_or_create(
        pk=1,
        defaults={
            "name": "The Shop",
            "postal_address": "Main Street 1\nUtrecht",
            "contact": "help@example.org",
        },
    )
    subscriptions.create_service("spring", label="Spring", channel="email")
    with connection.cursor() as cursor:
        for statement in (
            "INSERT INTO audiences_profile (id, first_name, last_name, language, country,"
            " external_id, created_at) SELECT n, 'Ann' || n %% 900, CASE WHEN n %% 10 = 0"
            " THEN 'Jänsen' ELSE 'Jansen' END || n %% 1700, 'en', 'NL', 'P' || n, now()"
            " FROM generate_series(1, %s) n",
            "INSERT INTO audiences_address (profile_id, channel, value, key, is_primary,"
            " is_valid) SELECT n, 'email', 'Person.' || n || '@mail' || n %% 50 ||"
            " '.example', 'person.' || n || '@mail' || n %% 50 || '.example', TRUE, TRUE"
            " FROM generate_series(1, %s) n",
            "INSERT INTO audiences_subscription (profile_id, service_id, status,"
            " changed_at) SELECT n, (SELECT MIN(id) FROM audiences_service), 'active',"
            " now() FROM generate_series(1, %s) n",
        ):
            cursor.execute(statement, [count])
        cursor.execute("VACUUM ANALYZE")
    return {}


def prepare(label: str, few: str) -> dict[str, Any]:
    from audiences import membership
    from audiences.models import Service
    from delivery import analysis, deliveries

    from .bench_composing import CONTENT

    everybody = membership.everyone
    delivery = deliveries.create(
        label,
        channel="email",
        service=Service.objects.get(),
        audience=(
            (lambda: membership.list_of(label, list(range(1, int(few) + 1))))
            if few
            else everybody
        ),
        subject="Spring has come, {{ first_name|dear reader }}",
        content=CONTENT,
    )
    analysis.analyse(delivery)
    return {"id": delivery.pk, "label": label}


def _measured(began: float, cpu: float) -> dict[str, Any]:
    return {
        "began": began,
        "ended": time.time(),
        "cpu": time.process_time() - cpu,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def work(delivery_id: int, rate: float) -> dict[str, Any]:
    """What one worker does; the first one begins it."""
    from django.db import transaction

    from delivery.models import Delivery, Sending
    from delivery.sending import sendings, worker

    delivery = Delivery.objects.get(pk=delivery_id)
    with transaction.atomic():
        Delivery.objects.select_for_update(of=("self",)).get(pk=delivery_id)
        sending = Sending.objects.filter(delivery=delivery).first()
        if sending is None:
            sending = sendings.begin(
                delivery, actor="a benchmark", rate=rate or None, wakes=False
            )
    began, cpu = time.time(), time.process_time()
    worker.send(sending)
    return _measured(began, cpu)


def bare(count: int) -> dict[str, Any]:
    """Write as many mails of the same bytes, on as many connections, and nothing else."""
    from delivery.composing import Composer

    from .bench_composing import _people

    prepare_once = _delivery_to_read()
    messages = [
        (
            f"MAIL FROM:<{m.sender}> SIZE={len(m.body)}\r\n"
            f"RCPT TO:<{m.address}>\r\nDATA\r\n".encode(),
            bytes(m.body) + b".\r\n",  # type: ignore[arg-type]
        )
        for m in Composer(prepare_once).compose(_people(500))
    ]
    began, cpu = time.time(), time.process_time()
    each = count // CONNECTIONS
    threads = [
        threading.Thread(target=_write, args=(messages, each))
        for _number in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _measured(began, cpu)


def _delivery_to_read() -> Any:
    from delivery.models import Delivery

    found = Delivery.objects.filter(label="bare").first()
    return found or Delivery.objects.get(pk=prepare("bare", "1")["id"])


def _write(messages: list[tuple[bytes, bytes]], count: int) -> None:
    port = int(os.environ["EMAIL_URL"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _answers(connection, 1)
        connection.sendall(b"HELO bench\r\n")
        _answers(connection, 1)
        for number in range(count):
            envelope, body = messages[number % len(messages)]
            connection.sendall(envelope)
            _answers(connection, 3)
            connection.sendall(body)
            _answers(connection, 1)


def _answers(connection: socket.socket, count: int) -> None:
    while count > 0:
        count -= connection.recv(4096).count(b"\n")


if __name__ == "__main__":
    given = sys.argv[1:]
    if given[:1] and given[0].startswith("--"):
        import django

        django.setup()
        said = {
            "--fill": lambda: fill(int(given[1])),
            "--prepare": lambda: prepare(given[1], given[2]),
            "--work": lambda: work(int(given[1]), float([*given, "0"][2])),
            "--bare": lambda: bare(int(given[1])),
        }[given[0]]()
        Path("/dev/stdout").write_text(json.dumps(said))
    else:
        main(int(given[0]) if given else N)
