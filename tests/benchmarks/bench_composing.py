"""How fast a delivery's mails are composed, on one core: bench_composing [N]

Personalised multipart mails with all headers and signed links, beside two others in the
same run: one message object for each (as Django and the email package make them), and a
loop that only joins the same bytes. Times are of the processor, the best of some rounds,
so that what else runs on the machine counts less.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import django

MAILS, ROUNDS, BATCH, OBJECTS = 50_000, 5, 100, 500
CONTENT = """<style>h1 { color: #1f5fbf } .note { padding: 8px; background: #eef }</style>
<h1>Hello {{ first_name|there }}</h1>
<p>It is spring, {{ first_name|dear reader }} {{ last_name }}: our
<a href="https://shop.example/spring?c={{ external_id }}">new collection</a> is here.</p>
<p class="note">Delivered in {{ country|your country }}. More on
<a href="https://shop.example/about">our page</a>.</p>
<p><a href="{{ unsubscribe_link }}">Unsubscribe</a></p>
"""


def main(mails: int) -> None:
    from delivery.composing import Composer

    people = _people(mails)
    composer = Composer(_delivery())
    batches = [people[at : at + BATCH] for at in range(0, mails, BATCH)]

    def ours() -> None:
        for batch in batches:
            composer.compose(batch)

    body = composer.compose(people[:1])[0].body
    assert isinstance(body, bytes)
    parts = [body[at : at + 120] for at in range(0, len(body), 120)]

    def bare() -> None:
        for _person in people:
            b"".join(parts.copy())

    speeds = {
        "spliced": _speed(ours, mails),
        "bytes joined, nothing filled in": _speed(bare, mails),
        "one message object each": _speed(lambda: _objects(OBJECTS), OBJECTS),
    }
    print(f"{mails:,} mails of {len(body):,} bytes, one core, mails a second:")
    for name, speed in speeds.items():
        print(f"  {name:<34} {speed:>10,.0f}")
    print(f"  a loop of 100 additions takes {_loop() * 1e6:.2f} µs here and now")


def _delivery() -> Any:
    from audiences.models import Service
    from delivery import deliveries

    service = Service.objects.create(slug="spring", label="Spring", channel="email")
    delivery = deliveries.create(
        "Spring",
        channel="email",
        service=service,
        subject="Spring has come, {{ first_name|dear reader }}",
        content=CONTENT,
    )
    delivery.preheader = "The new collection"
    return delivery


def _people(count: int) -> list[Any]:
    from delivery.composing import Recipient

    return [
        Recipient(
            1_000_000 + n,
            f"Person.{n}@mail{n % 50}.example",
            f"person.{n}@mail{n % 50}.example",
            "en",
            {
                "first_name": f"Ann{n % 900}",
                "last_name": f"Jänsen{n % 1700}"
                if n % 10 == 0
                else f"Jansen{n % 1700}",
                "language": "en",
                "country": "NL",
                "external_id": f"P{n}",
            },
        )
        for n in range(count)
    ]


def _objects(count: int) -> None:
    """The same kind of mail with an object of Django for each."""
    from django.core.mail import EmailMultiAlternatives

    for n in range(count):
        message = EmailMultiAlternatives(
            f"Spring has come, Ann{n}",
            f"Hello Ann{n}\n\nIt is spring.\n" * 8,
            "Shop <news@example.org>",
            [f"person.{n}@mail.example"],
            headers={"List-Unsubscribe": f"<https://news.example.org/u/{n:060}/>"},
        )
        message.attach_alternative(f"<p>Hello Ann{n}</p>\n" * 100, "text/html")
        message.message().as_bytes(linesep="\r\n")


def _speed(work: Callable[[], None], count: int) -> float:
    times = []
    for _round in range(ROUNDS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return count / min(times)


def _loop() -> float:
    started = time.process_time()
    for _round in range(10_000):
        sum(range(100))
    return (time.process_time() - started) / 10_000


if __name__ == "__main__":
    os.environ["DATABASE_URL"] = "sqlite://:memory:"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
    os.environ.setdefault("BASE_URL", "https://news.example.org")
    os.environ.setdefault("UNSUBSCRIBE_MAILBOX", "unsubscribe@example.org")
    os.environ.setdefault("BOUNCE_MAILBOX", "bounces@example.org")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MAILS)
