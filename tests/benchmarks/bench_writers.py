"""Measure how many write at once: python -m tests.benchmarks.bench_writers [SECONDS]

1, 2, 4 and 8 processes opt people out for SECONDS (default 5) on SQLite, then on
PostgreSQL, as pages do, and once more 4 of them while another process writes in
transactions of a second, as an import does with its chunks. It says how many opt-outs a
second there were, how many times those of one writer that is, what an opt-out waited,
and how many were refused.
"""

import os
import sys
import time
from collections.abc import Iterator
from multiprocessing import Event, Process, Queue, set_start_method
from typing import Any

from .databases import machine, manage, postgresql, sqlite

WRITERS = (1, 2, 4, 8)
PEOPLE = 8000
# Seconds of a transaction that holds the writer, and of the pause after it.
CHUNK, PAUSE = 1.0, 0.2


def write(number: int, of: int, seconds: float, told: "Queue[Any]", go: Any) -> None:
    """Opt out one person after the other; what each took, and what was refused."""
    _begin()
    from django.db import OperationalError

    from audiences import consent
    from audiences.consent import Origin
    from audiences.models import Profile

    mine = Profile.objects.order_by("pk")[number::of]
    took, refused = [], 0
    people = list(mine)
    go.wait()
    end = time.monotonic() + seconds
    for profile in people:
        began = time.monotonic()
        if began > end:
            break
        try:
            consent.opt_out(profile, "email", Origin(source="command"))
        except OperationalError:
            refused += 1
        else:
            took.append(time.monotonic() - began)
    told.put((took, refused))


def hold(told: "Queue[Any]", go: Any, over: Any) -> None:
    """Write as an import does: much in a transaction, then a pause."""
    _begin()
    from django.db import transaction

    from audiences.models import Figure

    go.wait()
    while not over.is_set():
        with transaction.atomic():
            Figure.objects.update_or_create(name="bench", defaults={"data": {}})
            time.sleep(CHUNK)
        time.sleep(PAUSE)


def _begin() -> None:
    """A process that was forked has no connection of its own yet."""
    from django.db import connection

    connection.connection = None


def _measure(count: int, seconds: float, *, holds: bool = False) -> tuple[float, str]:
    told: Queue[Any] = Queue()
    go, over = Event(), Event()
    writers = [
        Process(target=write, args=(number, count, seconds, told, go))
        for number in range(count)
    ]
    holder = Process(target=hold, args=(told, go, over))
    for process in [*writers, *([holder] if holds else [])]:
        process.start()
    time.sleep(2)
    go.set()
    answers = [told.get() for _writer in writers]
    over.set()
    for process in [*writers, *([holder] if holds else [])]:
        process.join()
    took = sorted(seconds for each, _refused in answers for seconds in each)
    refused = sum(number for _each, number in answers)
    at = lambda share: took[int(share * (len(took) - 1))] * 1000 if took else 0.0  # noqa: E731
    words = f"{at(0.5):>9.0f} {at(0.99):>9.0f} {at(1):>9.0f} {refused:>8}"
    return len(took) / seconds, words


def _table(url: str, seconds: float) -> Iterator[str]:
    from audiences.models import Profile

    one = 0.0
    for count, holds in [*((count, False) for count in WRITERS), (4, True)]:
        Profile.objects.bulk_create([Profile() for _number in range(PEOPLE)])
        _close()
        rate, words = _measure(count, seconds, holds=holds)
        one = one or rate
        name = f"{count} and an import" if holds else str(count)
        yield f"{name:<16} {rate:>8.0f} {rate / one:>7.2f} {words}"


def _close() -> None:
    from django.db import connection

    connection.close()


def _one(url: str, seconds: float) -> None:
    """One database, in a process of its own: Django is set up for one."""
    import django

    django.setup()
    head = (
        "writers           per second  times one  median ms  99 % ms  longest  refused"
    )
    print(head, flush=True)
    for line in _table(url, seconds):
        print(line, flush=True)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    set_start_method("fork")
    print(machine(), flush=True)
    for name, database in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        with database() as url:
            manage(url, "migrate", "-v0")
            os.environ |= {
                "DATABASE_URL": url,
                "DJANGO_SETTINGS_MODULE": "campaign.settings",
                "DEBUG": "1",
            }
            print(f"\n{name}", flush=True)
            process = Process(target=_one, args=(url, seconds))
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(f"{name}: it ended with {process.exitcode}.")
            del os.environ["DATABASE_URL"]


if __name__ == "__main__":
    main()
