"""A call is stored and answered at once; a worker applies what it says."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from delivery import tasks
from delivery.models import HookCount, InboundItem, MessageEvent
from tests.feedback.reports import sent, status

from .calls import by_password, generic, text_message

pytestmark = pytest.mark.django_db
ADDRESS = "ann@shop.example"


def bounces(count: int) -> list[dict[str, Any]]:
    return [
        {
            "event": "bounce",
            "time": 1_790_000_000 + number,
            "email": ADDRESS,
            "MessageID": "p-1",
            "error": "user unknown",
        }
        for number in range(count)
    ]


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that workers were woken for."""
    found: list[str] = []
    monkeypatch.setattr(
        "audiences.background.jobs.wake", lambda task, *ids: found.append(task)
    )
    return found


def test_a_call_is_answered_before_anybody_reads_it(woken: list[str]) -> None:
    sent(ADDRESS, provider_id="p-1", at=timezone.now() - timedelta(days=1))
    assert by_password("mailjet", bounces(1)).call().status_code == 200
    assert (InboundItem.objects.get().state, status(ADDRESS)) == ("new", "none")
    assert woken == ["delivery.tasks.apply_inbound"]
    tasks.apply_inbound()
    assert (InboundItem.objects.get().state, status(ADDRESS)) == (
        "applied",
        "quarantine",
    )


def test_a_large_call_costs_what_a_small_one_does(woken: list[str]) -> None:
    by_password("mailjet", b"[]").call()
    costs = []
    for count in (2, 2_000):
        call = by_password("mailjet", bounces(count))
        started = time.process_time()
        with CaptureQueriesContext(connection) as queries:
            assert call.call().status_code == 200
        costs.append(len(queries))
        assert time.process_time() - started < 0.2
    assert costs[0] == costs[1] <= 10


def test_a_call_that_comes_twice_is_stored_once(woken: list[str]) -> None:
    call = by_password("mailjet", bounces(3))
    call.call()
    call.call()
    assert InboundItem.objects.count() == 1
    counts = HookCount.objects.values_list("outcome", "count")
    assert dict(counts) == {"accepted": 1, "repeated": 1}


def test_a_worker_on_its_way_is_not_woken_again(woken: list[str]) -> None:
    for number in range(5):
        by_password("mailjet", bounces(number + 1)).call()
    assert len(woken) == 1
    # It is lost: the calls are old, and the next one wakes again.
    InboundItem.objects.update(received_at=timezone.now() - timedelta(minutes=1))
    by_password("mailjet", bounces(9)).call()
    assert len(woken) == 2


def test_the_sweep_finds_what_was_stored_and_not_applied(woken: list[str]) -> None:
    sent(ADDRESS, provider_id="p-1", at=timezone.now() - timedelta(days=1))
    by_password("mailjet", bounces(1)).call()
    tasks.read_mailbox()
    assert status(ADDRESS) == "quarantine"


def test_the_status_of_a_text_message_is_left_to_a_worker(woken: list[str]) -> None:
    told = {"id": "1", "to": "+31612345678", "status": "UNDELIV", "error": "001"}
    answer = generic("status", told).call().json()
    assert (answer["state"], len(woken)) == ("new", 1)
    assert not MessageEvent.objects.exists()


def test_a_text_message_is_answered_with_its_reply(woken: list[str]) -> None:
    assert b"<Message>" in text_message("STOP").call().content
    assert (status("+31612345678", "sms"), woken) == ("denylisted", [])
