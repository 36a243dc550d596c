"""Jobs: woken when the request has committed, swept while they wait, ended once."""

from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import transaction
from django.utils import timezone

from audiences.background import jobs
from audiences.models import BulkAct

State = BulkAct.State


def job(**facts: Any) -> BulkAct:
    act = BulkAct.objects.create(code="opt_out", actor="eva", **facts)
    act.refresh_from_db()
    return act


def ago(minutes: float) -> Any:
    return timezone.now() - timedelta(minutes=minutes)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    messages: list[tuple[str, tuple[int, ...]]] = []

    def send(task: str, ids: tuple[int, ...], **options: Any) -> None:
        assert options["retry_policy"] == {"max_retries": 0}
        messages.append((task, ids))

    monkeypatch.setattr(current_app, "send_task", send)
    return messages


@pytest.mark.django_db(transaction=True)
def test_worker_is_woken_when_the_row_is_there(sent: list[Any]) -> None:
    with transaction.atomic():
        jobs.wake("some.task", 7)
        assert sent == []
    assert sent == [("some.task", (7,))]


@pytest.mark.django_db(transaction=True)
def test_nobody_is_woken_for_what_was_rolled_back(sent: list[Any]) -> None:
    with transaction.atomic():
        jobs.wake("some.task", 7)
        transaction.set_rollback(True)
    assert sent == []


@pytest.mark.django_db(transaction=True)
def test_queue_that_is_down_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def send(*args: Any, **options: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(current_app, "send_task", send)
    with transaction.atomic():
        act = job()
        jobs.wake("some.task", act.pk)
    assert list(jobs.forgotten(BulkAct)) == [act]


@pytest.mark.django_db
def test_sweep_finds_what_waits_and_what_lost_its_worker() -> None:
    waiting = job()
    lost = job(state=State.RUNNING, worked_at=ago(3))
    job(state=State.RUNNING, worked_at=ago(1))
    job(state=State.DONE, worked_at=ago(3))
    assert set(jobs.forgotten(BulkAct)) == {waiting, lost}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "facts", "says"),
    [
        (3, {}, True),
        (1, {}, False),
        (3, {"worked_at": "2026-05-01T00:00Z"}, False),
        (3, {"state": State.STOPPED}, False),
    ],
)
def test_job_that_no_worker_took_waits_long(
    asked: float, facts: Any, says: bool
) -> None:
    assert jobs.waits_long(job(created_at=ago(asked), **facts)) is says


@pytest.mark.django_db
def test_heartbeat_says_whether_the_job_still_goes_on() -> None:
    act = job(state=State.RUNNING, worked_at=ago(3))
    assert jobs.beat(act, seen=5)
    assert list(jobs.forgotten(BulkAct)) == []
    assert jobs.end(act, State.STOPPED)
    assert not jobs.beat(act, seen=6)
    act.refresh_from_db()
    assert (act.seen, act.state) == (5, State.STOPPED)


@pytest.mark.django_db
def test_of_two_that_end_a_job_one_does() -> None:
    act = job()
    assert not jobs.end(act, State.DONE, before=[State.RUNNING])
    assert jobs.end(act, State.FAILED, error="no")
    assert not jobs.end(act, State.DONE)
    act.refresh_from_db()
    assert (act.state, act.error) == (State.FAILED, "no")
    assert act.finished_at
