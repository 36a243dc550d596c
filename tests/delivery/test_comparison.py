"""Why fewer than last week? Each cause in both deliveries, and who moved (D4)."""

from typing import Any

import pytest

from audiences import consent
from delivery import analysis, deliveries, quarantine
from delivery.analysis import comparison
from delivery.models import Delivery
from tests.people import ORIGIN, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def weeks() -> tuple[Delivery, Delivery]:
    people = [person(email=f"p{number}@example.com") for number in range(6)]
    consent.opt_out(people[5], "email", ORIGIN)
    first = deliveries.create("Week 1", channel="email")
    analysis.analyse(first)
    consent.opt_out(people[0], "email", ORIGIN)
    quarantine.record("email", "p1@example.com", type="hard", source="test")
    quarantine.record("email", "p2@example.com", type="hard", source="test")
    consent.opt_in(people[5], "email", ORIGIN)
    person(email="new@example.com")
    second = deliveries.create("Week 2", channel="email")
    analysis.analyse(second)
    return first, second


def _run(delivery: Delivery) -> Any:
    return delivery.latest_analysis


def test_each_cause_has_its_difference(weeks: tuple[Delivery, Delivery]) -> None:
    found = {c.code: c for c in comparison.changes(*map(_run, weeks))}
    assert (found[""].before, found[""].now) == (5, 4)
    assert found["address_quarantined"].difference == 2
    assert found["denylist_channel"].difference == 0
    assert round(found[""].difference_of_share, 1) == round(100 * (4 / 7 - 5 / 6), 1)


def test_who_moved_is_counted_both_ways(
    weeks: tuple[Delivery, Delivery], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(6):
        moves = comparison.moves(*weeks)
    assert moves.stayed == 2
    assert {m.code: m.count for m in moves.lost} == {
        "address_quarantined": 2,
        "denylist_channel": 1,
    }
    assert [(m.code, m.count) for m in moves.gained] == [
        ("denylist_channel", 1),
        ("", 1),  # was not in the audience
    ]


def test_previous_is_the_one_before_of_the_same_service(
    weeks: tuple[Delivery, Delivery],
) -> None:
    first, second = weeks
    assert comparison.previous(second) == first
    assert comparison.previous(first) is None
    deliveries.create("Week 3", channel="email")  # never prepared: passed over
    draft = deliveries.create("Week 4", channel="email")
    assert comparison.previous(draft) == second
    assert list(comparison.candidates(draft)) == [second, first]


def test_duplicate_has_a_label_of_its_own(weeks: tuple[Delivery, Delivery]) -> None:
    copies = [deliveries.duplicate(weeks[0]) for _number in range(2)]
    assert [c.label for c in copies] == ["Week 1 (copy)", "Week 1 (copy 2)"]
    assert copies[0].state == "draft"
    assert copies[0].audience == weeks[0].audience
