"""How far a preparation is from the present, cheaply."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences import consent, membership, privacy, subscriptions
from audiences.consent import Origin
from audiences.models import Profile
from delivery import analysis
from delivery.models import Analysis, Delivery
from delivery.rules import writing
from delivery.sending import freshness, handover
from delivery.sending.freshness import OutOfDate
from tests.people import ago, got, is_, tree

from .worlds import ORIGIN, block, delivery_of, give, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[Profile]:
    return [person(f"{number}@shop.example") for number in range(5)]


def prepared(label: str = "News", **facts: object) -> Analysis:
    delivery = delivery_of(label, **facts)
    analysis.analyse(delivery)
    run = delivery.latest_analysis
    assert run
    return run


def reason(run: Analysis) -> OutOfDate | None:
    run = Analysis.objects.select_related("delivery").get(pk=run.pk)
    return freshness.out_of_date([run]).get(run.pk)


# ------------------------------------------------------------------ out of date
def change_audience(delivery: Delivery) -> None:
    delivery.audience = membership.list_of("few", [Profile.objects.earliest("pk").pk])
    delivery.save()


def lose_the_link(delivery: Delivery) -> None:
    Delivery.objects.update(subject="Hi", content="no link")


def add_a_rule(delivery: Delivery) -> None:
    rule = writing.create_filtering_rule("x", condition=tree(is_("language", "fr")))
    writing.set_rules(writing.default_typology(), [rule])


def let_a_day_pass(delivery: Delivery) -> None:
    delivery.analyses.update(finished_at=ago(days=1, minutes=1))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda delivery: None, None),
        (change_audience, OutOfDate.CHANGED),
        (lose_the_link, OutOfDate.CHANGED),
        (add_a_rule, OutOfDate.CHANGED),
        (let_a_day_pass, OutOfDate.OLD),
    ],
)
def test_a_preparation_gets_out_of_date(
    people: list[Profile],
    change: Callable[[Delivery], None],
    expected: OutOfDate | None,
) -> None:
    run = prepared()
    change(run.delivery)
    assert reason(run) is expected


def test_what_was_handed_over_or_is_not_ready_is_not_out_of_date(
    people: list[Profile],
) -> None:
    run = prepared()
    let_a_day_pass(run.delivery)
    run.delivery.analyses.update(state="stopped")
    assert reason(run) is None
    run.delivery.analyses.update(state="ready")
    assert reason(run) is OutOfDate.OLD
    handover.record_handover(run.delivery, timezone.now())
    assert reason(run) is None


def test_many_runs_take_as_many_queries_as_one(people: list[Profile]) -> None:
    typology = writing.create_typology("t", rules=[])
    for number in range(6):
        prepared(f"News {number}", typology=typology if number % 2 else None)
    counts = []
    for size in (2, 6):
        runs = list(
            Analysis.objects.select_related(
                "delivery__audience", "delivery__typology"
            ).prefetch_related("delivery__variants")
        )[:size]
        with CaptureQueriesContext(connection) as queries:
            assert freshness.out_of_date(runs) == {}
        counts.append(len(queries))
    assert counts[0] == counts[1]


# ------------------------------------------------------------------ who would go
CHANGES: dict[str, tuple[Callable[[Profile], object], str]] = {
    "opt-out": (lambda p: consent.opt_out(p, "email", ORIGIN), "denylist_channel"),
    "old opt-out": (
        lambda p: consent.opt_out(
            p, "email", Origin(source="import", note="x", at=ago(days=90))
        ),
        "denylist_channel",
    ),
    "quarantine": (
        lambda p: block("email", p.addresses.get().key, "quarantine"),
        "address_quarantined",
    ),
    "complaint": (
        lambda p: block("email", p.addresses.get().key, "denylisted"),
        "address_denylisted",
    ),
    "address": (
        lambda p: give(p, "email", "new@shop.example", primary=True),
        "address_changed",
    ),
    "message": (lambda p: got(p, ago(1)), "fatigue:one"),
}


@pytest.mark.parametrize("few", [5_000, 0])
@pytest.mark.parametrize(("change", "cause"), CHANGES.values(), ids=CHANGES)
def test_the_drift_of_a_target_is_found_at_any_size(
    people: list[Profile],
    few: int,
    change: Callable[[Profile], object],
    cause: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(freshness, "FEW", few)
    writing.create_fatigue_rule("one", maximum=1, period_days=7)
    run = prepared(typology=writing.create_typology("t", rules=["one"]))
    drift = freshness.drift_of(run)
    assert drift
    assert (drift.causes, drift.is_complete) == ({}, few > 0)
    change(people[2])
    drift = freshness.drift_of(run)
    assert drift
    assert drift.causes == {cause: 1}


def test_an_erased_person_is_counted(people: list[Profile]) -> None:
    run = prepared()
    privacy.erase(people[0])
    drift = freshness.drift_of(run)
    assert drift
    assert drift.causes == {"left_audience": 1}


def test_the_queries_for_a_large_target_do_not_grow_with_the_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(freshness, "FEW", 0)
    people = [person(f"{number}@shop.example") for number in range(30)]
    run = prepared()
    counts = []
    for some in (people[:2], people[2:]):
        for profile in some:
            consent.opt_out(profile, "email", ORIGIN)
        with CaptureQueriesContext(connection) as queries:
            assert freshness.drift_of(run)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_of_a_large_target_only_the_last_changes_are_looked_at(
    people: list[Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "FEW", 0)
    monkeypatch.setattr(freshness, "LAST", 2)
    run = prepared()
    for profile in people[:4]:
        consent.opt_out(profile, "email", ORIGIN)
    drift = freshness.drift_of(run)
    assert drift
    assert 2 <= drift.count < 4
    assert not drift.is_complete


# ------------------------------------------------------------------ one person
def test_a_decision_is_marked_when_its_person_changed_since() -> None:
    service = subscriptions.create_service("weekly", label="W", channel="email")
    for change, _cause in [
        *(c for name, c in CHANGES.items() if name != "message"),
        (lambda p: subscriptions.unsubscribe(p, service, ORIGIN), ""),
        (lambda p: p.addresses.all().delete(), ""),
    ]:
        ann = person(f"{Profile.objects.count()}@shop.example")
        subscriptions.subscribe(ann, service, ORIGIN)
        run = prepared(f"News {ann.pk}", service=service)
        ids = [run.delivery_id]
        assert freshness.changed_since(ann, ids) == set()
        change(ann)
        ann = Profile.objects.get(pk=ann.pk)
        assert freshness.changed_since(ann, ids) == set(ids)
        analysis.analyse(run.delivery)
        assert freshness.changed_since(ann, ids) == set()


def test_a_change_on_another_channel_marks_nothing() -> None:
    ann = person("ann@shop.example")
    run = prepared()
    consent.opt_out(ann, "sms", ORIGIN)
    give(ann, "sms", "+31612345678", primary=True)
    assert freshness.changed_since(ann, [run.delivery_id]) == set()
    consent.opt_out(ann, "any", ORIGIN)
    assert freshness.changed_since(ann, [run.delivery_id]) == {run.delivery_id}


def test_what_the_person_got_is_not_marked() -> None:
    ann = person("ann@shop.example")
    run = prepared()
    handover.record_handover(run.delivery, timezone.now())
    consent.opt_out(ann, "email", ORIGIN)
    assert freshness.changed_since(ann, [run.delivery_id]) == set()


def test_purposes_that_reach_everybody_are_not_marked_for_an_old_opt_out() -> None:
    ann = person("ann@shop.example", out="email")
    run = prepared(purpose="legal")
    assert freshness.changed_since(ann, [run.delivery_id]) == set()
