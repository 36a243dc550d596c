"""Preparing in the background: one request at a time, nothing lost, nothing twice."""

import pytest
from django.utils import timezone

from audiences import sql
from delivery import analysis, deliveries, tasks
from delivery.analysis import definitions, preparation, run_locks
from delivery.analysis.preparation import PreparationRefused, ask, of
from delivery.models import Analysis, Delivery, Message, PreparationRequest
from delivery.sending import handover
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivery() -> Delivery:
    for number in range(3):
        person(external_id=f"P{number}", email=f"p{number}@example.com")
    return deliveries.create("Spring", channel="email")


def test_request_waits_until_a_worker_has_ended(delivery: Delivery) -> None:
    assert of(delivery).state == "draft"
    ask(delivery, actor="eva")
    assert of(delivery).state == "waiting"
    assert preparation.to_wake() == [delivery.pk]
    tasks.run_analysis(delivery.pk)
    assert of(delivery).state == "ready"
    assert preparation.to_wake() == []


def test_second_operator_is_told_who_asked_and_when(delivery: Delivery) -> None:
    request = ask(delivery, actor="eva")
    with pytest.raises(PreparationRefused, match="eva"):
        ask(delivery, actor="tom")
    assert PreparationRequest.objects.get().asked_at == request.asked_at


def test_who_asks_while_a_process_is_at_it_is_told(delivery: Delivery) -> None:
    ask(delivery, actor="eva")
    told: list[str] = []

    def ask_again(progress: analysis.Progress) -> None:
        with pytest.raises(PreparationRefused) as refused:
            ask(delivery, actor="tom")
        told.append(str(refused.value))

    # SQLite's lock of a file belongs to the open file, also within one process.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_locks, "is_at_work", lambda delivery: True)
        analysis.analyse(delivery, on_progress=ask_again)
    assert "eva" in told[0]


def test_a_lock_that_is_held_is_seen(delivery: Delivery) -> None:
    if sql.is_postgresql():
        pytest.skip("the lock of a session is seen from other sessions alone")
    assert not analysis.is_at_work(delivery)
    with sql.process_lock(f"analysis-{delivery.pk}"):
        assert analysis.is_at_work(delivery)


def test_message_that_comes_again_begins_nothing(delivery: Delivery) -> None:
    ask(delivery, actor="eva")
    for _number in range(3):
        tasks.run_analysis(delivery.pk)
    assert Analysis.objects.count() == 1


def test_request_that_nobody_has_taken_is_taken_back(delivery: Delivery) -> None:
    ask(delivery, actor="eva")
    assert preparation.stop(delivery)
    assert of(delivery).state == "draft"
    tasks.run_analysis(delivery.pk)
    assert not Analysis.objects.exists()
    assert not preparation.stop(delivery)


def test_stopped_run_goes_on_when_asked(delivery: Delivery, settings: object) -> None:
    settings.ANALYSIS_CHUNK_SIZE = 1  # type: ignore[attr-defined]
    ask(delivery, actor="eva")
    analysis.analyse(delivery, should_stop=lambda: True)
    assert of(delivery).state == "stopped"
    assert preparation.to_wake() == []
    ask(delivery, actor="eva")
    tasks.run_analysis(delivery.pk)
    assert of(delivery).state == "ready"
    assert Analysis.objects.count() == 1


def test_message_that_may_not_go_any_more_is_not_gone_on_with(
    delivery: Delivery, settings: object
) -> None:
    settings.ANALYSIS_CHUNK_SIZE = 1  # type: ignore[attr-defined]
    analysis.analyse(delivery, should_stop=lambda: True)
    delivery.content = f"{delivery.content} {{{{ nickname }}}}"
    delivery.save()
    run = delivery.latest_analysis
    assert run
    assert definitions.is_stale(run)
    assert analysis.analyse(delivery).state == "failed"


def test_run_whose_process_died_is_woken(delivery: Delivery) -> None:
    ask(delivery, actor="eva")
    tasks.run_analysis(delivery.pk)
    Analysis.objects.update(state=Analysis.State.RUNNING)
    assert preparation.to_wake() == [delivery.pk]
    ask(delivery, actor="tom")  # nobody holds its lock


def test_stop_ends_a_run_whose_process_died(delivery: Delivery) -> None:
    ask(delivery, actor="eva")
    tasks.run_analysis(delivery.pk)
    Analysis.objects.update(state=Analysis.State.RUNNING, finished_at=None)
    assert preparation.stop(delivery)
    assert of(delivery).state == "stopped"
    assert preparation.to_wake() == []


def test_what_was_handed_over_stands(delivery: Delivery) -> None:
    analysis.analyse(delivery)
    handover.record_handover(delivery, timezone.now())
    assert Message.objects.exists()
    with pytest.raises(PreparationRefused, match="handed over"):
        ask(delivery, actor="eva")


def test_worker_that_may_not_begin_says_why(delivery: Delivery) -> None:
    ask(delivery, actor="eva")
    analysis.analyse(delivery)
    ask(delivery, actor="eva")
    handover.record_handover(delivery, timezone.now())
    tasks.run_analysis(delivery.pk)
    assert "handed over" in of(delivery).refusal
    assert preparation.to_wake() == []


def test_fault_of_the_message_fails_it_once(delivery: Delivery) -> None:
    delivery.content = "Dear {{ nickname }}"
    delivery.save()
    ask(delivery, actor="eva")
    tasks.run_analysis(delivery.pk)
    assert of(delivery).state == "failed"
    assert preparation.to_wake() == []
