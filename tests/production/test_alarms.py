"""What the doctor calls serious, an alarm wakes somebody for."""

import operator
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from audiences import ledger
from campaign import doctor
from campaign.monitoring import gauges, machine
from tests.docs.test_nights import ALERTS

from . import test_doctor as wrong
from .test_doctor import World, world

__all__ = ["world"]
pytestmark = pytest.mark.django_db
RULES = {rule["alert"]: rule["expr"] for rule in ALERTS}
HOLDS = {"==": operator.eq, ">": operator.gt, ">=": operator.ge}
# A figure against a number; what comes after that is said in words of Prometheus.
SIMPLE = re.compile(r"(?:(?:min|max)\()?(campaign_\w+)\)? (==|>=?) ([\d.]+)")
CASES: list[tuple[Callable[[World], None], str]] = [
    # what is done, the alarms
    (wrong._worker_of_before, "CampaignNoWorker"),
    (wrong._clock_that_stands, "CampaignClockStands"),
    (wrong._queue_that_is_away, "CampaignQueueAway"),
    (wrong._mail_that_waits, "CampaignOutboxLate"),
    (wrong._import_that_waits, "CampaignJobsLate"),
    (wrong._item_that_waits, "CampaignFeedbackLate"),
    (wrong._mailbox_of_before, "CampaignMailboxLate"),
    (wrong._many_complaints, "CampaignComplaints CampaignComplaintsOver"),
    (wrong._old_backup, "CampaignBackupLate"),
]
# A person sees these when they begin: an upgrade, a change of settings, a new sender.
# With the database away, the figures that it knows are.
BY_DOCTOR_ALONE = {
    *("the-settings-are-wrong", "the-database-does-not-fit", "a-guard-is-missing"),
    *("the-clocks-differ", "mails-are-not-believed", "the-database-does-not-answer"),
}


def figures() -> dict[str, list[float]]:
    registry = CollectorRegistry()
    registry.register(gauges.Collector())
    registry.register(machine.Collector())
    found: dict[str, list[float]] = {}
    text = generate_latest(registry).decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.value)
    return found


def fires(alert: str, found: dict[str, list[float]]) -> bool:
    clause = SIMPLE.match(RULES[alert])
    assert clause, RULES[alert]
    values = found.get(clause[1], [])
    return any(HOLDS[clause[2]](value, float(clause[3])) for value in values)


@pytest.mark.parametrize(("break_it", "alerts"), CASES, ids=[a for _b, a in CASES])
def test_an_alarm_fires_when_it_goes_wrong_and_not_before(
    world: World, break_it: Callable[[World], None], alerts: str
) -> None:
    names = alerts.split()
    before = figures()
    assert [name for name in names if fires(name, before)] == []
    break_it(world)
    after = figures()
    assert [name for name in names if not fires(name, after)] == []


def test_the_ledger_that_is_behind_wakes_somebody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "lag", lambda: wrong.LONG_AGO)
    assert fires("CampaignLedgerBehind", figures())


def test_each_night_of_the_doctor_has_an_alarm_or_a_reason() -> None:
    nights = {found.night for found in doctor.examinations().values()}
    alarmed = {rule["annotations"]["runbook"] for rule in ALERTS}
    silent = {night for night in nights if f"docs/nights/{night}.md" not in alarmed}
    assert silent == BY_DOCTOR_ALONE


def test_the_machine_is_seen_without_a_database(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*arguments: Any, **named: Any) -> Any:
        raise OperationalError("the database is away")

    with connection.execute_wrapper(away):
        found = figures()
    assert found["campaign_unanswered_questions"] == [float(len(gauges.QUESTIONS))]
    assert 0 < found["campaign_disk_free_bytes"][0] < found["campaign_disk_bytes"][0]
    assert found["campaign_backup_age_seconds"][0] < 60
