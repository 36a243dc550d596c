"""An event acts once, in any order, from any number of sources."""

import random
import threading
from itertools import count
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audiences import consent, links
from audiences.links import Link
from audiences.models import ConsentEvent, Service
from delivery import deliveries, quarantine
from delivery.feedback import intake
from delivery.feedback.events import FeedbackEvent
from delivery.feedback.intake import EventOutcome, Findings, effects
from delivery.models import (
    AddressError,
    InboundItem,
    Message,
    MessageEvent,
    QuarantineEntry,
)
from delivery.models.message_events import latest_kind
from delivery.quarantine.verification import verify_quarantine
from tests.people import ORIGIN, person, subscribed

from .reports import ADDRESS, AT, DAY, HOUR, dsn, event, item, sent, status

pytestmark = pytest.mark.django_db
PHONE = "+31612345678"
numbers = count()


def arrived(**facts: Any) -> InboundItem:
    """Something new, with a provider's signature."""
    return item(b"%d" % next(numbers), "provider", is_verified=True, **facts)


def became(message: Message) -> str:
    rows = Message.objects.annotate(status=latest_kind())
    found: str = rows.values_list("status", flat=True).get(pk=message.pk)
    return found


# --------------------------------------------------------------------- what each kind does
KINDS = {
    "hard": ({"kind": "failed"}, "quarantine", "failed"),
    "soft": ({"kind": "failed", "type": "soft"}, "erroneous", "failed"),
    "ignored": ({"kind": "failed", "type": "ignored"}, "none", "failed"),
    "complaint": ({"kind": "complaint"}, "denylisted", "complaint"),
    "delay": ({"kind": "delayed"}, "none", "delayed"),
    "delivered": ({"kind": "delivered"}, "none", "delivered"),
    "stop": ({"kind": "stop"}, "denylisted", "stop"),
}


@pytest.mark.parametrize(("facts", "address", "message"), KINDS.values(), ids=KINDS)
def test_an_event_acts_by_its_kind(facts: Any, address: str, message: str) -> None:
    sent_one = sent(message_id="1@mta")
    report = event(**facts, message_ids=("1@mta",), text="what the server said")
    applied = intake.apply(report, arrived())
    assert (applied.outcome, status(), became(sent_one)) == (
        EventOutcome.APPLIED,
        address,
        message,
    )
    sent_one.profile.refresh_from_db()
    assert (
        not sent_one.profile.no_longer_contact_email
    )  # Q4: the address, not the person
    errors = AddressError.objects.values_list("message", "source", "text")
    for error in errors:
        assert error == (sent_one.pk, "mail", "what the server said")


def test_evidence_leads_from_the_address_to_what_arrived() -> None:
    message = sent(message_id="1@mta")
    report = item(b"raw bytes")
    intake.settle(report, Findings(events=(event(message_ids=("1@mta",)),)))
    error = AddressError.objects.get()
    kept = MessageEvent.objects.get(source=error.source, event_id=error.event_id)
    assert (kept.message, kept.item, kept.domain) == (message, report, "shop.example")
    assert (report.state, QuarantineEntry.objects.get().last_delivery) == (
        "applied",
        message.delivery,
    )


# --------------------------------------------------------------------- once, in any order
def reports() -> list[FeedbackEvent]:
    """What two sources tell about five deliveries to two addresses."""
    told: list[FeedbackEvent] = []
    for address in (ADDRESS, "bob@shop.example"):
        profile = person(email=address)
        for number in range(5):
            identity = f"{number}.{address}"
            at = AT + 2 * number * DAY
            sent(address, f"D{number}", at, profile=profile, message_id=identity)
            facts: dict[str, Any] = {
                "address": address,
                "message_ids": (identity,),
                "type": "soft",
                "reason": "unreachable",
            }
            if (address, number) == (ADDRESS, 4):
                facts |= {"type": "hard", "reason": "user_unknown"}
            if (address, number) == ("bob@shop.example", 2):
                facts["kind"] = "delivered"
            told.append(event(at=at + HOUR, source="mail", **facts))
            # The webhook knows the same a little later, by its own number.
            told.append(
                event(at=at + 2 * HOUR, source="esp", event_id=identity, **facts)
            )
    return told


def state() -> list[Any]:
    fields = ("status", "reason", "error_count", "first_error_at", "last_error_at")
    return list(QuarantineEntry.objects.order_by("key").values_list("key", *fields))


def told(events: list[FeedbackEvent]) -> tuple[list[Any], int]:
    """The entries after these events, which are then taken back."""
    with transaction.atomic():
        for report in events:
            intake.apply(report, arrived())
        assert list(verify_quarantine()) == []
        result = state(), MessageEvent.objects.count()
        transaction.set_rollback(True)
    return result


def test_ten_times_shuffled_from_two_sources_counts_like_a_single_pass() -> None:
    events = reports()
    entries, _count = told([e for e in events if e.source == "mail"])
    single = [row[:4] for row in entries]
    assert single == [
        (ADDRESS, "quarantine", "user_unknown", 5),
        ("bob@shop.example", "erroneous", "unreachable", 2),
    ]
    in_order = told(events)
    assert ([row[:4] for row in in_order[0]], in_order[1]) == (single, len(events))
    for seed, times in enumerate((10, 2)):
        shuffled = events * times
        random.Random(seed).shuffle(shuffled)
        assert told(shuffled) == in_order


def test_the_database_refuses_to_change_or_delete_an_event() -> None:
    sent(message_id="1@mta")
    intake.apply(event(message_ids=("1@mta",)), item())
    rows = MessageEvent.objects.all()
    for act in (rows.delete, lambda: rows.update(kind="delivered")):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            act()
    assert rows.update(key=None, text=None) == 1


def test_a_late_report_of_a_success_releases_and_an_early_one_too() -> None:
    for failed_first in (True, False):
        address = f"{failed_first}@shop.example".lower()
        profile = person(email=address)
        sent(address, "One", message_id=f"1{address}", profile=profile)
        sent(address, "Two", message_id=f"2{address}", profile=profile)
        failed = event(address=address, type="soft", message_ids=(f"1{address}",))
        delivered = event(
            "delivered",
            address=address,
            at=AT + 2 * HOUR,
            message_ids=(f"2{address}",),
        )
        order = [failed, delivered] if failed_first else [delivered, failed]
        for report in order:
            intake.apply(report, arrived())
        assert status(address) == "valid"
    assert list(verify_quarantine()) == []


STATUSES = {
    "a delay after a delivery is no news": (["delivered", "delayed"], "delivered"),
    "a bounce after a delivery is": (["delivered", "failed"], "failed"),
    "a complaint needs a delivery": (["delivered", "complaint"], "complaint"),
}


@pytest.mark.parametrize(("kinds", "expected"), STATUSES.values(), ids=STATUSES)
@pytest.mark.parametrize("reverse", [False, True])
def test_the_latest_event_is_what_became_of_a_message(
    kinds: Any, expected: str, reverse: bool
) -> None:
    message = sent(message_id="1@mta")
    told = [
        event(kind, at=AT + hours * HOUR, message_ids=("1@mta",))
        for hours, kind in enumerate(kinds, 1)
    ]
    for report in reversed(told) if reverse else told:
        intake.apply(report, arrived())
    assert became(message) == expected


MOMENTS = {
    "as the report says": (AT + HOUR, AT + HOUR),
    "not after it arrived": (AT + 99 * DAY, AT + 9 * DAY),
    "not before the message": (AT - 99 * DAY, AT + 9 * DAY),
    "not said": (None, AT + 9 * DAY),
}


@pytest.mark.parametrize(("told", "kept"), MOMENTS.values(), ids=MOMENTS)
def test_an_error_is_dated_where_it_can_have_been(told: Any, kept: Any) -> None:
    sent(message_id="1@mta")
    intake.apply(event(at=told, message_ids=("1@mta",)), item())
    assert AddressError.objects.get().at == kept


def test_words_that_no_database_keeps_are_made_storable() -> None:
    sent(message_id="1@mta")
    report = event(message_ids=("1@mta",), text="a\0b\ud800", status_code="5" * 99)
    assert intake.apply(report, item()).outcome == EventOutcome.APPLIED


# --------------------------------------------------------------------- STOP and START (Q4)
def text_back(kind: str, at: Any, verified: bool = True) -> EventOutcome:
    raw = b"%d" % next(numbers)
    arrived = item(raw, "sms", is_verified=verified, received_at=at, channel="sms")
    report = event(kind, channel="sms", address=PHONE, source="sms", at=at)
    return intake.apply(report, arrived).outcome


@pytest.mark.parametrize("order", [("stop", "start"), ("start", "stop")])
def test_start_restores_what_stop_took_whichever_arrives_first(order: Any) -> None:
    person(sms=PHONE)
    when = {"stop": AT, "start": AT + HOUR}
    for kind in order:
        assert text_back(kind, when[kind]) == EventOutcome.APPLIED
    assert status(PHONE, "sms") == "valid"
    text_back("stop", AT + 2 * HOUR)
    assert status(PHONE, "sms") == "denylisted"
    assert list(verify_quarantine()) == []


@pytest.mark.parametrize("before", ["hard", "complaint", "operator"])
def test_start_restores_only_what_stop_took(before: str) -> None:
    person(sms=PHONE)
    if before == "operator":
        quarantine.set_status("sms", PHONE, "denylisted", source="test")
    else:
        reason = "complaint" if before == "complaint" else "user_unknown"
        quarantine.record(
            "sms", PHONE, type="hard", reason=reason, at=AT - DAY, source="test"
        )
    held = status(PHONE, "sms")
    now = timezone.now()
    text_back("stop", now - HOUR)
    text_back("start", now - HOUR / 2)
    assert status(PHONE, "sms") == held != "valid"


def test_a_stop_that_nothing_vouches_for_waits() -> None:
    person(sms=PHONE)
    assert text_back("stop", AT, verified=False) == EventOutcome.UNMATCHED
    assert status(PHONE, "sms") == "none"


# --------------------------------------------------------------------- unsubscribing by mail
@pytest.fixture
def mailbox(settings: Any) -> None:
    settings.UNSUBSCRIBE_MAILBOX = "unsubscribe@mail.example"


def wish(link: Link, **facts: Any) -> FeedbackEvent:
    paths = (links.unsubscribe_address(link),)
    return event("unsubscribe", return_paths=paths, address="other@x.example", **facts)


def test_an_unsubscribe_mail_opts_out_of_the_channel(mailbox: None) -> None:
    message = sent()
    profile = message.profile
    link = deliveries.link(message.delivery, profile.pk)
    for _time in range(3):
        intake.apply(wish(link, event_id="m:1"), item(b"a mail"))
    profile.refresh_from_db()
    assert (profile.no_longer_contact_email, profile.no_longer_contact) == (True, False)
    row = ConsentEvent.objects.get()
    assert (row.source, row.delivery_id) == ("mail", message.delivery_id)
    assert (became(message), status()) == ("unsubscribe", "none")


def test_an_unsubscribe_mail_ends_the_subscription_that_its_link_names(
    mailbox: None,
) -> None:
    service = Service.objects.create(slug="news", label="News", channel="email")
    profile = person(email=ADDRESS)
    subscribed(profile, service)
    intake.apply(wish(Link(profile.pk, "email", service.pk)), item(b"a mail"))
    profile.refresh_from_db()
    assert not profile.no_longer_contact_email
    assert profile.subscriptions.get().status == "unsubscribed"


def test_an_old_mail_read_again_does_not_unsubscribe_again(mailbox: None) -> None:
    profile = person(email=ADDRESS)
    link = Link(profile.pk)
    first = item(b"a mail")
    intake.apply(wish(link), first)
    consent.opt_in(profile, "email", ORIGIN)
    assert intake.apply(wish(link), first).outcome == EventOutcome.KNOWN
    profile.refresh_from_db()
    assert not profile.no_longer_contact_email
    # A second mail is a second wish.
    assert (
        intake.apply(wish(link), item(b"another mail")).outcome == EventOutcome.APPLIED
    )
    profile.refresh_from_db()
    assert profile.no_longer_contact_email


def test_two_people_who_write_the_same_words_are_two(mailbox: None) -> None:
    for name in ("ann", "bob"):
        profile = person(email=f"{name}@x.example")
        intake.apply(wish(Link(profile.pk), event_id="empty:1"), item(b"a mail"))
        profile.refresh_from_db()
        assert profile.no_longer_contact_email


def test_a_link_to_an_erased_person_is_honoured_by_doing_nothing(mailbox: None) -> None:
    applied = intake.apply(wish(Link(999_999)), item(b"a mail"))
    assert applied.outcome == EventOutcome.APPLIED
    assert not ConsentEvent.objects.exists()


# --------------------------------------------------------------------- the database stops
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server to lose")
@pytest.mark.django_db(transaction=True)
def test_a_connection_lost_between_storing_and_applying_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent(message_id="1@mta")
    real = effects.act_all

    def cut_off(*args: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    report, _is_new = intake.receive("mail", dsn("1@mta"))
    monkeypatch.setattr(effects, "act_all", cut_off)
    with pytest.raises(Exception, match=r"terminat|clos|connection"):
        intake.process(report)
    connection.close()
    monkeypatch.setattr(effects, "act_all", real)
    assert InboundItem.objects.get().state == "new"
    assert not MessageEvent.objects.exists()
    assert [row.state for row in intake.process_waiting()] == ["applied"]
    assert status() == "quarantine"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_sources_that_tell_the_same_at_once_count_like_a_single_pass() -> None:
    events = reports()
    items = [arrived() for _number in range(4)]
    problems: list[BaseException] = []

    def tell(seed: int) -> None:
        shuffled = events * 2
        random.Random(seed).shuffle(shuffled)
        try:
            for report in shuffled:
                intake.apply(report, items[seed])
        except BaseException as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=tell, args=[seed]) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    at_once = state(), MessageEvent.objects.count()
    assert at_once[1] == len(events)
    assert [row[:4] for row in at_once[0]] == [
        (ADDRESS, "quarantine", "user_unknown", 5),
        ("bob@shop.example", "erroneous", "unreachable", 2),
    ]
    assert list(verify_quarantine()) == []
