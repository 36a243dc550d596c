"""Many reports at once: a fixed number of statements, and each counts once."""

import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from audiences.models import Address, Profile
from delivery import deliveries
from delivery.feedback import intake
from delivery.feedback.intake import Findings, processing
from delivery.feedback.mails import mailboxes
from delivery.feedback.mails.mailboxes import Mail
from delivery.models import AddressError, InboundItem, Message, MessageEvent
from delivery.models.message_events import EventKind
from delivery.quarantine import record
from delivery.quarantine.verification import verify_quarantine
from tests.delivery.sessions import Session, wait_until_blocked
from tests.people import person

from .reports import AT, dsn, event, item, sent, status


def mails(count: int, start: int = 0) -> list[bytes]:
    """Messages to people, and a bounce of each."""
    found = []
    for number in range(start, start + count):
        address = f"p{number}@shop.example"
        sent(address, message_id=f"{number}@mta")
        found.append(dsn(f"{number}@mta", address))
    return found


def take_in(raws: list[bytes]) -> mailboxes.MailCounts:
    return mailboxes.take_in([Mail(raw, len(raw), None) for raw in raws])


@pytest.mark.django_db
def test_a_batch_costs_the_same_whatever_its_size() -> None:
    costs = []
    for size, start in ((10, 0), (90, 10)):
        raws = mails(size, start)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            counts = take_in(raws)
        assert (counts.received, counts.applied) == (size, size)
        costs.append(len(queries))
    # SQLite writes the rows of one UPDATE as one statement each.
    assert costs[0] == costs[1] or connection.vendor == "sqlite"
    assert costs[1] < 30 or connection.vendor == "sqlite"


@pytest.mark.django_db
def test_a_call_with_many_events_is_applied_in_slices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raws = 450
    events = []
    person(email="somebody@shop.example")
    delivery = deliveries.create("News", channel="email")
    for number in range(raws):
        address = f"p{number}@shop.example"
        Message.objects.create(
            delivery=delivery,
            profile=Profile.objects.create(),
            channel="email",
            address=address,
            sent_at=AT,
            provider_id=f"n{number}",
        )
        events.append(
            event(address=address, provider_id=f"n{number}", event_id=str(number))
        )
    arrived = item(b"a call", "provider", is_verified=True)
    findings = Findings(events=tuple(events))
    monkeypatch.setitem(intake.READERS, "provider", lambda item: findings)
    intake.process_all([arrived])
    assert arrived.state == "applied"
    assert MessageEvent.objects.count() == AddressError.objects.count() == raws
    assert status("p449@shop.example") == "quarantine"
    assert list(verify_quarantine()) == []


@pytest.mark.django_db
def test_one_that_breaks_a_batch_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raws = mails(3)
    real = processing.apply_all

    def broken(reports: Any, **facts: Any) -> Any:
        if any(report.event.address == "p1@shop.example" for report in reports):
            raise ValueError
        return real(reports, **facts)

    monkeypatch.setattr(processing, "apply_all", broken)
    counts = take_in(raws)
    assert (counts.applied, counts.waiting) == (2, 1)
    states = InboundItem.objects.order_by("pk").values_list("state", flat=True)
    assert sorted(states) == ["applied", "applied", "unreadable"]
    assert status("p1@shop.example") == "none"


@pytest.mark.django_db
def test_several_kinds_in_one_batch_do_what_each_does_alone() -> None:
    person(email="gone@shop.example")
    raws = mails(2)
    junk = b"From: x@y.example\nSubject: Hello\n\nCan we meet?\n"
    known = dsn("nobody@mta", "gone@shop.example")
    counts = take_in([raws[0], junk, raws[1], known, raws[0]])
    assert (counts.received, counts.duplicates) == (4, 1)
    assert (counts.applied, counts.waiting) == (2, 2)


# --------------------------------------------------------------------- two workers
needs_server = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer"
)


def at_once(*acts: Any) -> None:
    problems: list[BaseException] = []

    def run(act: Any) -> None:
        try:
            act()
        except BaseException as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert problems == []


@needs_server
@pytest.mark.django_db(transaction=True)
def test_a_worker_leaves_alone_what_another_is_reading() -> None:
    """In a fixed order: the second comes while the first holds its items."""
    raws = mails(3)
    for raw in raws:
        intake.receive("mail", raw)
    reading, done = threading.Event(), threading.Event()
    seen: list[str] = []

    def slow(found: InboundItem) -> Findings:
        reading.set()
        assert done.wait(120)
        return real(found)

    def second() -> None:
        assert reading.wait(120)
        try:
            seen.extend(found.state for found in intake.process_waiting())
        finally:
            done.set()

    real = intake.READERS["mail"]
    intake.READERS["mail"] = slow
    try:
        at_once(lambda: list(intake.process_waiting()), second)
    finally:
        intake.READERS["mail"] = real
    assert seen == ["new"] * 3
    assert MessageEvent.objects.count() == 3
    assert set(InboundItem.objects.values_list("state", flat=True)) == {"applied"}


@needs_server
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [EventKind.FAILED, EventKind.COMPLAINT])
def test_a_victim_of_a_deadlock_takes_its_items_again(
    kind: EventKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch, and an item that goes alone: a complaint without a signature."""
    for number in (1, 2):
        sent(f"p{number}@shop.example", message_id=f"{number}@mta")
        record("email", f"p{number}@shop.example", type="ignored", source="before")
    first, second = Address.objects.order_by("key")
    readings = []

    def read_one(found: InboundItem) -> Findings:
        readings.append(found.state)
        return Findings(
            events=tuple(
                event(kind, address=a.key, message_ids=(f"{n}@mta",), event_id=str(n))
                for n, a in enumerate((first, second), 1)
            )
        )

    monkeypatch.setitem(intake.READERS, "mail", read_one)
    arrived = item(b"report")

    def lock(address: Address) -> None:
        assert Address.objects.select_for_update().get(pk=address.pk)

    def process(_session: Session) -> None:
        with connection.cursor() as cursor:
            # Who waits looks once: only when this side waits, too.
            cursor.execute("SET deadlock_timeout = '3s'")
        intake.process_all([arrived])

    with transaction.atomic():
        with connection.cursor() as cursor:
            # On a busy machine this side might notice first, and be the victim.
            cursor.execute("SET LOCAL deadlock_timeout = '2min'")
        lock(second)
        session = Session(process)
        session.start()
        wait_until_blocked()
        lock(first)  # the other one notices, and gives way
    session.finish()
    arrived.refresh_from_db()
    assert (arrived.state, MessageEvent.objects.count()) == ("applied", 2)
    assert [status(a.key) for a in (first, second)] != ["none", "none"]
    assert len(readings) > 1 or kind == EventKind.COMPLAINT
    assert list(verify_quarantine()) == []


@needs_server
@pytest.mark.django_db(transaction=True)
def test_two_workers_on_one_mailbox_count_each_once() -> None:
    raws = mails(120)
    counts: list[mailboxes.MailCounts] = []

    def shuffled(seed: int) -> Iterator[Mail]:
        order = list(raws)
        random.Random(seed).shuffle(order)
        for raw in order:
            yield Mail(raw, len(raw), None)

    at_once(
        *(
            lambda seed=seed: counts.append(mailboxes.take_in(shuffled(seed)))
            for seed in range(3)
        )
    )
    assert sum(one.received for one in counts) == 120
    assert InboundItem.objects.count() == MessageEvent.objects.count() == 120
    assert AddressError.objects.count() == 120
    assert set(InboundItem.objects.values_list("state", flat=True)) == {"applied"}
    assert list(verify_quarantine()) == []


@needs_server
@pytest.mark.django_db(transaction=True)
def test_successes_and_failures_of_one_address_at_once_agree_with_the_evidence() -> (
    None
):
    message = sent("ann@shop.example", message_id="1@mta")
    events = [
        event(
            kind,
            type="soft",
            message_ids=("1@mta",),
            event_id=f"{kind}{number}",
            at=AT,
        )
        for number in range(20)
        for kind in (EventKind.FAILED, EventKind.DELIVERED)
    ]
    items = [item(b"%d" % number) for number in range(4)]

    def tell(seed: int) -> None:
        order = list(events)
        random.Random(seed).shuffle(order)
        for start in range(0, len(order), 7):
            findings = Findings(events=tuple(order[start : start + 7]))
            intake.settle(items[seed], findings)

    at_once(*(lambda seed=seed: tell(seed) for seed in range(4)))
    assert message.events.count() == len(events)
    assert list(verify_quarantine()) == []
