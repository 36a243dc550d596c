"""A scheduled start: prepared once more right before it, or paused with a reason."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audiences import consent
from audiences.models import Profile
from audiences.refusals import Refused
from delivery import analysis, tasks
from delivery.analysis import preparation
from delivery.models import Analysis, Delivery, PreparationRequest, Sending
from delivery.rules import writing
from delivery.sending import schedule, sendings
from delivery.sending.status import status_of
from tests.people import ORIGIN
from tests.transports.smtp_server import Sink

from .conftest import recipients_of

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


def _scheduled(delivery: Delivery, *, hours: float) -> Sending:
    """A sending that was scheduled a while ago, and is due now."""
    later = timezone.now() + timedelta(days=1)
    made = sendings.begin(delivery, actor="eva", at=later)
    ended = timezone.now() - timedelta(hours=hours)
    delivery.analyses.update(finished_at=ended, started_at=ended - MINUTE)
    _due(made, timedelta())
    return made


def _due(sending: Sending, later: timedelta) -> None:
    Sending.objects.filter(pk=sending.pk).update(starts_at=timezone.now() + later)
    sending.refresh_from_db()


def _step(sending: Sending) -> str:
    """One call of a worker; what the sending is after it."""
    schedule.start_due(sending)
    return f"{sending.state}{' preparing' if sending.preparing_since else ''}"


def test_what_was_prepared_within_the_hour_begins_at_its_moment(
    prepared: Delivery, sink: Sink
) -> None:
    made = _scheduled(prepared, hours=0.9)
    _due(made, MINUTE)
    assert _step(made) == "scheduled"
    _due(made, -MINUTE)
    assert _step(made) == "sending"
    assert prepared.analyses.count() == 1


def test_what_is_older_is_prepared_again_and_nobody_is_claimed_before(
    prepared: Delivery, people: list[Profile], sink: Sink
) -> None:
    made = _scheduled(prepared, hours=2)
    _due(made, timedelta(minutes=20))
    assert _step(made) == "scheduled"
    assert made.pk not in schedule.to_wake()
    with pytest.raises(Refused, match="scheduled"):
        analysis.analyse(prepared)
    _due(made, timedelta(minutes=9))
    assert made.pk in schedule.to_wake()
    assert _step(made) == "scheduled preparing"
    assert PreparationRequest.objects.get().asked_by == "eva"
    consent.opt_out(people[0], "email", ORIGIN)
    # Its moment passes while it is prepared: it waits. Then a worker is killed.
    _due(made, -MINUTE)
    tasks.run_sending(made.pk)
    assert sink.mails == []
    assert prepared.pk in preparation.to_wake()
    tasks.run_analysis(prepared.pk)
    assert schedule.wake_after(prepared) == made.pk
    tasks.run_sending(made.pk)
    found = status_of(prepared)
    assert (found.state, found.sent, found.to_deliver) == ("sent", 9, 9)
    assert "p1@example.com" not in recipients_of(sink)


class Killed(BaseException):
    """What nothing catches."""


def _killed(*arguments: object, **facts: object) -> None:
    raise Killed


def test_a_worker_that_is_killed_while_it_prepares_delays_the_start_alone(
    prepared: Delivery, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _scheduled(prepared, hours=2)
    assert _step(made) == "scheduled preparing"
    with monkeypatch.context() as patch:
        patch.setattr("delivery.analysis.runs._close", lambda *facts: None)
        patch.setattr("delivery.analysis.working.Work.to_its_end", _killed)
        with pytest.raises(Killed):
            tasks.run_analysis(prepared.pk)
    run = prepared.latest_analysis
    assert run is not None
    assert run.state == "running"
    assert _step(made) == "scheduled preparing"
    tasks.run_analysis(prepared.pk)
    assert _step(made) == "sending"


def _purpose(delivery: Delivery) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(purpose="transactional")


def _rule(delivery: Delivery) -> None:
    rule = writing.create_fatigue_rule("often", maximum=1, period_days=7)
    default = writing.default_typology()
    writing.set_rules(default, [*default.rules.all(), rule])


@pytest.mark.parametrize(
    ("change", "when"),
    [(_purpose, "before"), (_rule, "before"), (_rule, "while it is prepared")],
)
def test_what_was_changed_since_waits_for_somebody(
    change: Callable[[Delivery], None],
    when: str,
    prepared: Delivery,
    sink: Sink,
    admin_client: Client,
) -> None:
    made = _scheduled(prepared, hours=2)
    if when == "before":
        change(prepared)
    else:
        assert _step(made) == "scheduled preparing"
        change(prepared)
        tasks.run_analysis(prepared.pk)
    assert _step(made) == "paused"
    assert "was changed" in made.reason
    home = admin_client.get(reverse("admin:index")).content.decode()
    assert made.reason in home
    # Whoever resumes it takes it as it is now: it is prepared anew, then begins.
    sendings.resume(prepared)
    made.refresh_from_db()
    if _step(made) == "scheduled preparing":
        tasks.run_analysis(prepared.pk)
    assert _step(made) == "sending"


def test_a_preparation_that_fails_or_is_stopped_waits_for_somebody(
    prepared: Delivery,
) -> None:
    made = _scheduled(prepared, hours=2)
    assert _step(made) == "scheduled preparing"
    tasks.run_analysis(prepared.pk)
    run = prepared.latest_analysis
    assert run is not None
    Analysis.objects.filter(pk=run.pk).update(state="failed", error="The disk is full.")
    assert _step(made) == "paused"
    assert "The disk is full." in status_of(prepared).reason
    sendings.resume(prepared)
    made.refresh_from_db()
    assert _step(made) == "scheduled preparing"
    assert preparation.stop(prepared)
    assert _step(made) == "paused"
    assert "was stopped" in made.reason


def test_what_could_not_begin_for_an_hour_does_not_begin_in_the_night(
    prepared: Delivery,
) -> None:
    made = _scheduled(prepared, hours=0.5)
    _due(made, -timedelta(minutes=61))
    assert _step(made) == "paused"
    assert f"({timezone.get_current_timezone_name()})" in made.reason
    sendings.resume(prepared)
    made.refresh_from_db()
    assert _step(made) == "sending"


# ------------------------------------------------------------------ the contact date
def _dated(delivery: Delivery, hours: float) -> None:
    delivery.contact_date = timezone.now() + timedelta(hours=hours)
    delivery.save()
    analysis.analyse(delivery)


def _command(delivery: Delivery, *options: str) -> None:
    name = f"id:{delivery.pk}"
    call_command("send_delivery", name, *options, stdout=StringIO(), stderr=StringIO())


def test_a_contact_date_ahead_is_when_it_begins(prepared: Delivery, sink: Sink) -> None:
    _dated(prepared, 30)
    with pytest.raises(CommandError, match="--at now"):
        _command(prepared, "--foreground")
    _command(prepared)
    made = Sending.objects.get()
    assert (made.state, made.starts_at) == ("scheduled", prepared.contact_date)


@pytest.mark.parametrize("by", ["moment", "contact date"])
def test_a_moment_that_is_years_ahead_is_a_slip(
    prepared: Delivery, sink: Sink, by: str, admin_client: Client
) -> None:
    at = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    if by == "contact date":
        Delivery.objects.update(contact_date=at)
        prepared.refresh_from_db()
        analysis.analyse(prepared)
    with pytest.raises(Refused, match="9999-12-31 is more than five years ahead"):
        sendings.begin(prepared, actor="eva", at=at if by == "moment" else None)
    page = reverse("admin:delivery_delivery_send", args=[prepared.pk])
    given = {"when": "at", "at": "9999-12-31T23:59", "number": "10"}
    assert b"five years ahead" in admin_client.post(page, given).content
    assert admin_client.get(page).status_code == 200
    assert not Sending.objects.exists()


def test_a_contact_date_that_has_passed_asks(
    prepared: Delivery, sink: Sink, admin_client: Client
) -> None:
    _dated(prepared, -3)
    with pytest.raises(CommandError, match="which has passed") as refused:
        _command(prepared)
    zone = f"({timezone.get_current_timezone_name()})"
    for words in (zone, "--at now", "--at TIME"):
        assert words in str(refused.value)
    past = (timezone.now() - timedelta(hours=1)).isoformat()
    with pytest.raises(CommandError, match="has passed"):
        _command(prepared, "--at", past)
    url = reverse("admin:delivery_delivery_send", args=[prepared.pk])
    page = admin_client.get(url).content.decode()
    assert "which has passed" in page
    assert zone in page
    assert admin_client.post(url, {}).status_code == 200
    assert not Sending.objects.exists()
    _command(prepared, "--at", "now", "--foreground")
    assert len(sink.mails) == 10


def test_the_page_begins_at_the_contact_date(
    prepared: Delivery, sink: Sink, admin_client: Client
) -> None:
    url = reverse("admin:delivery_delivery_send", args=[prepared.pk])
    _dated(prepared, 30)
    assert 'value="at" id="id_when_1" checked' in (
        admin_client.get(url).content.decode().replace(" required", "")
    )
    assert admin_client.post(url, {"when": "at", "at": ""}).status_code == 200
    date: Any = prepared.contact_date
    shown = timezone.localtime(date).strftime("%Y-%m-%dT%H:%M")
    answer = admin_client.post(url, {"when": "at", "at": shown})
    assert answer.status_code == 302
    assert Sending.objects.get().state == "scheduled"
