"""How fast what came back is taken in: stored, read, matched, counted.

Part of make bench-feedback. Each report is a bounce of its own, about a message of its
own to an address of its own. Runs in a database that is dropped afterwards.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import django

from tests.benchmarks import databases

REPORTS = int(os.environ.get("REPORTS", "3000"))
EVENTS = 2_000


def measure_apart() -> None:
    """Measure in a process of its own, on PostgreSQL."""
    with databases.postgresql() as url:
        databases.manage(url, "migrate", "--verbosity", "0")
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.bench_intake"],
            env=os.environ | {"DATABASE_URL": url, "EMAIL_WEBHOOK_SECRETS": "bench:it"},
            check=True,
        )


def main() -> None:
    from delivery.feedback.mails import mailboxes
    from delivery.feedback.mails.mailboxes import Mail
    from delivery.feedback.mails.reader import read
    from tests.feedback.reports import dsn

    mails = [dsn(f"{n}@mta", f"p{n}@shop{n % 50}.example") for n in range(REPORTS)]
    _people(REPORTS)
    reading = _timed(lambda: [read(raw) for raw in mails])
    taking = _timed(
        lambda: mailboxes.take_in(Mail(raw, len(raw), None) for raw in mails)
    )
    print(
        f"taking in {REPORTS:,} bounces on PostgreSQL: {_speed(REPORTS, taking)}; "
        f"of that, reading: {_speed(REPORTS, reading)}"
    )
    _webhook()


def _webhook() -> None:
    from delivery.feedback import intake
    from tests.hooks.calls import by_password

    count = min(EVENTS, REPORTS)
    events = [
        {
            "event": "bounce",
            "time": 1_790_000_000,
            "email": f"p{number}@shop{number % 50}.example",
            "MessageID": f"n{number}",
            "error": "user unknown",
        }
        for number in range(count)
    ]
    call = by_password("mailjet", json.dumps(events).encode(), "bench:it")
    by_password("mailjet", b"[]", "bench:it").call()  # the first call loads the site
    answered = _timed(call.call)
    applied = _timed(lambda: list(intake.process_waiting()))
    print(
        f"a call with {count:,} events: answered in {answered[1] * 1000:.0f} ms "
        f"({answered[0] * 1000:.0f} ms of one core), "
        f"applied at {_speed(count, applied)}"
    )


def _people(count: int) -> None:
    from django.utils import timezone

    from audiences.models import Address, Profile
    from delivery import deliveries
    from delivery.models import Message

    delivery = deliveries.create("Bench", channel="email")
    profiles = Profile.objects.bulk_create(Profile() for _number in range(count))
    names = [f"p{number}@shop{number % 50}.example" for number in range(count)]
    Address.objects.bulk_create(
        Address(profile=p, channel="email", value=a, key=a, is_primary=True)
        for p, a in zip(profiles, names, strict=True)
    )
    Message.objects.bulk_create(
        Message(
            delivery=delivery,
            profile=profile,
            channel="email",
            address=address,
            sent_at=timezone.now(),
            message_id=f"{number}@mta",
            provider_id=f"n{number}",
        )
        for number, (profile, address) in enumerate(zip(profiles, names, strict=True))
    )


def _timed(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds of this process's core, and of the clock."""
    core, clock = time.process_time(), time.perf_counter()
    act()
    return time.process_time() - core, time.perf_counter() - clock


def _speed(count: int, seconds: tuple[float, float]) -> str:
    core, clock = seconds
    return f"{count / core:,.0f}/s of one core ({count / clock:,.0f}/s by the clock)"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
    django.setup()
    main()
