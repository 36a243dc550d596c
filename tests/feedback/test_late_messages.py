"""What arrives before its message is recorded is matched when it is."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from delivery import analysis, deliveries, tasks
from delivery.feedback import decisions, intake, return_path
from delivery.models import InboundClue, InboundItem, Message, MessageEvent
from delivery.sending import handover
from tests.people import person

from .reports import ADDRESS, dsn, sent, status

pytestmark = pytest.mark.django_db
OTHER = "bob@shop.example"


@pytest.fixture(autouse=True)
def _mailbox(settings: Any) -> None:
    settings.BOUNCE_MAILBOX = "bounces@mail.example"


def arrived(raw: bytes, **facts: Any) -> InboundItem:
    return intake.process(intake.receive("mail", raw, **facts)[0])


def record(tmp_path: Path, capture: Any, *columns: str) -> None:
    """The file of another system: a message to ADDRESS, a second ago."""
    file = tmp_path / "sent.csv"
    moment = (timezone.now() - timedelta(minutes=1)).isoformat()
    names = ["address", "time", *(column.partition("=")[0] for column in columns)]
    values = [ADDRESS, moment, *(column.partition("=")[2] for column in columns)]
    file.write_text(f"{','.join(names)}\n{','.join(values)}\n")
    with capture(execute=True):
        call_command("record_messages", "News", str(file), stdout=io.StringIO())


def to_return_path(raw: bytes, path: str) -> bytes:
    return raw.replace(b"To: bounces@mail.example", f"To: {path}".encode())


def hidden(raw: bytes) -> bytes:
    """The same report without the address."""
    return raw.replace(ADDRESS.encode(), b"[redacted]")


@pytest.mark.parametrize("stored", ["1@mta", "<1@mta>"])
@pytest.mark.parametrize("hides", [False, True])
def test_a_bounce_seconds_before_the_file_counts_once_the_file_is_there(
    tmp_path: Path,
    django_capture_on_commit_callbacks: Any,
    stored: str,
    hides: bool,
) -> None:
    person(email=ADDRESS)
    deliveries.create("News", channel="email")
    raw = dsn("1@mta")
    waits = arrived(hidden(raw) if hides else raw)
    assert (waits.state, status()) == ("unmatched", "none")
    record(tmp_path, django_capture_on_commit_callbacks, f"message_id={stored}")
    waits.refresh_from_db()
    assert (waits.state, status()) == ("applied", "quarantine")
    assert MessageEvent.objects.get().message == Message.objects.get()
    assert not InboundClue.objects.exists()


def test_a_signed_return_path_finds_its_message_later(
    tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    profile = person(email=ADDRESS)
    delivery = deliveries.create("News", channel="email")
    path = return_path.address(delivery.pk, profile.pk)
    waits = arrived(hidden(to_return_path(dsn("other@x"), path)))
    assert waits.state == "unmatched"
    record(tmp_path, django_capture_on_commit_callbacks)
    assert status() == "quarantine"


def test_recording_reads_nothing_that_waits_for_another_message(
    tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    person(email=ADDRESS)
    deliveries.create("News", channel="email")
    waits = arrived(dsn("2@mta", OTHER))
    record(tmp_path, django_capture_on_commit_callbacks, "message_id=1@mta")
    waits.refresh_from_db()
    assert (waits.state, status(), status(OTHER)) == ("unmatched", "none", "none")


def test_a_whole_hand_over_that_is_recorded_finds_what_waits(
    django_capture_on_commit_callbacks: Any,
) -> None:
    profile = person(email=ADDRESS)
    delivery = deliveries.create("News", channel="email")
    path = return_path.address(delivery.pk, profile.pk)
    arrived(to_return_path(dsn("other@x"), path))
    analysis.analyse(delivery)
    with django_capture_on_commit_callbacks(execute=True):
        handover.record_handover(delivery, timezone.now())
    assert status() == "quarantine"


def test_the_clock_finds_messages_that_were_recorded_in_any_other_way() -> None:
    waits = arrived(dsn("1@mta"))
    sent(message_id="<1@mta>", at=timezone.now())
    tasks.find_late_feedback()
    waits.refresh_from_db()
    assert (waits.state, status()) == ("applied", "quarantine")


@pytest.mark.parametrize(("days", "found"), [(29, 1), (31, 0)])
def test_the_clock_looks_back_thirty_days(days: int, found: int) -> None:
    arrived(dsn("1@mta"), received_at=timezone.now() - timedelta(days=days))
    sent(message_id="1@mta", at=timezone.now() - timedelta(days=40))
    assert intake.find_late() == found


def test_what_somebody_has_decided_is_not_read_again() -> None:
    waits = arrived(dsn("1@mta"))
    decisions.ignore(waits, note="not ours", actor="ann")
    sent(message_id="1@mta")
    assert (intake.find_late(), status()) == (0, "none")


def test_a_rolled_back_file_finds_nothing(
    tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    person(email=ADDRESS)
    delivery = deliveries.create("News", channel="email")
    arrived(dsn("1@mta"))
    with django_capture_on_commit_callbacks(execute=False):
        intake.messages_recorded(
            [Message(delivery=delivery, channel="email", message_id="1@mta")]
        )
    assert status() == "none"


def test_recording_costs_one_more_statement_where_nothing_waits(
    django_assert_num_queries: Any, django_capture_on_commit_callbacks: Any
) -> None:
    message = sent(message_id="1@mta")
    with (
        django_assert_num_queries(1),
        django_capture_on_commit_callbacks(execute=True),
    ):
        intake.messages_recorded([message] * 100)
