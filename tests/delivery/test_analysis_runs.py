"""Runs are repeated, stopped, resumed and refused; a dry run stores nothing."""

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences import consent
from audiences.models import Profile
from delivery import analysis, chunks
from delivery.models import Delivery, Message

from .oracle import Oracle
from .worlds import ORIGIN, delivery_of, person, rows_of

pytestmark = pytest.mark.django_db
A, B = "a@shop.example", "b@shop.example"


@pytest.fixture
def delivery(settings: object) -> Delivery:
    settings.ANALYSIS_CHUNK_SIZE = 2  # type: ignore[attr-defined]
    for text in (A, A, B, "", A):
        person(text)
    return delivery_of()


def _stop_at_once(delivery: Delivery) -> None:
    report = analysis.analyse(delivery, should_stop=lambda: True)
    assert report.state == "stopped"
    assert len(rows_of(delivery)) == 2


def test_a_stopped_run_goes_on_to_the_same_rows(delivery: Delivery) -> None:
    _stop_at_once(delivery)
    assert analysis.analyse(delivery).state == "ready"
    assert rows_of(delivery) == Oracle(delivery).outcomes
    assert delivery.analyses.count() == 1


def test_a_changed_delivery_starts_afresh(delivery: Delivery) -> None:
    _stop_at_once(delivery)
    Delivery.objects.update(channel="sms")
    delivery.refresh_from_db()
    analysis.analyse(delivery)
    assert set(rows_of(delivery).values()) == {"address_missing"}


def test_the_next_call_completes_a_run_that_failed(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, calls = chunks._judge, []

    def break_down(*args: object) -> int:
        calls.append(args)
        if len(calls) == 2:
            raise RuntimeError("the disk is full")
        return judge(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(chunks, "_judge", break_down)
    with pytest.raises(RuntimeError):
        analysis.analyse(delivery)
    assert delivery.state == "failed"
    assert analysis.analyse(delivery).state == "ready"
    assert rows_of(delivery) == Oracle(delivery).outcomes


def test_a_run_begins_anew_when_somebody_opted_out_since_it_was_stopped(
    delivery: Delivery,
) -> None:
    first, second = Profile.objects.order_by("pk")[:2]
    _stop_at_once(delivery)
    consent.opt_out(first, "email", ORIGIN)
    analysis.analyse(delivery)
    assert rows_of(delivery) == Oracle(delivery).outcomes
    assert rows_of(delivery)[first.pk] == "denylist_channel"
    assert rows_of(delivery)[second.pk] is None
    found = analysis.explain(delivery, first)
    assert found.deciding is not None
    assert found.deciding.code == "denylist_channel"
    assert analysis.explain(delivery, second).deciding is None


def test_a_delivery_with_messages_is_refused(delivery: Delivery) -> None:
    Message.objects.create(
        delivery=delivery,
        profile=Profile.objects.first(),
        channel="email",
        address=A,
        sent_at=timezone.now(),
    )
    with pytest.raises(analysis.AnalysisRefused, match="handed over"):
        analysis.analyse(delivery)


def test_a_dry_run_stores_nothing(delivery: Delivery) -> None:
    def everything() -> dict[str, list[object]]:
        models = [m for m in apps.get_models() if m._meta.managed]
        return {m._meta.label: list(m._base_manager.values_list()) for m in models}

    before = everything()
    assert analysis.dry_run(delivery).targeted == 5
    assert everything() == before
    assert delivery.state == "draft"


def test_query_counts_do_not_grow_with_the_profiles(settings: object) -> None:
    settings.ANALYSIS_CHUNK_SIZE = 50_000  # type: ignore[attr-defined]
    delivery = delivery_of()
    analysis.analyse(delivery)
    counts = []
    for more in (10, 990):
        Profile.objects.bulk_create(Profile() for _number in range(more))
        with CaptureQueriesContext(connection) as queries:
            analysis.analyse(delivery)
        counts.append(len(queries))
    assert counts[0] == counts[1]
