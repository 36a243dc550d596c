"""Fatigue while weeks go by, across both changes of clocks."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import LazySettings
from django.utils import timezone

from audiences import membership
from audiences.models import Profile
from delivery import analysis, deliveries
from delivery.models import Delivery, Typology
from delivery.rules import writing
from delivery.sending import handover
from tests.people import person, rows_of

from .fatigue_oracle import is_fatigued

pytestmark = pytest.mark.django_db
CODE = "fatigue:r"
# Clocks go back on the first Sunday, forward on the second, in each zone.
CHANGES = [
    ("Europe/Amsterdam", date(2026, 10, 25)),
    ("Europe/Amsterdam", date(2027, 3, 28)),
    ("America/New_York", date(2026, 11, 1)),
    ("Pacific/Auckland", date(2027, 4, 4)),
    # Here the clocks change at midnight: a day begins at one o'clock.
    ("Africa/Cairo", date(2027, 4, 30)),
]


@pytest.fixture
def turn_to(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the clock."""
    return lambda moment: monkeypatch.setattr(timezone, "now", lambda: moment)


def typology(maximum: int, days: int = 7) -> Typology:
    writing.create_fatigue_rule("r", maximum=maximum, period_days=days)
    return writing.create_typology("t", rules=["r"])


def local(zone: str, day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(("zone", "change"), CHANGES)
@pytest.mark.parametrize("clock", [time(0, 30), time(9), time(23, 45)])
def test_a_weekly_newsletter_is_never_stopped_by_its_last_edition(
    zone: str,
    change: date,
    clock: time,
    settings: LazySettings,
    turn_to: Callable[[datetime], None],
) -> None:
    settings.TIME_ZONE = zone
    ann = person(email="ann@shop.example")
    rules = typology(1)
    for week in range(-2, 3):
        at = local(zone, change + timedelta(weeks=week, days=2), clock)
        turn_to(at - timedelta(minutes=20))
        edition = deliveries.create(
            f"Week {week}", channel="email", typology=rules, contact_date=at
        )
        analysis.analyse(edition)
        assert rows_of(edition) == {ann.pk: None}, week
        turn_to(at)
        assert handover.record_handover(edition, at) == 1


@pytest.mark.parametrize(("zone", "change"), CHANGES[:2])
@pytest.mark.one_database
def test_three_weeks_of_two_deliveries_a_day_is_counted_as_by_hand(
    zone: str,
    change: date,
    settings: LazySettings,
    turn_to: Callable[[datetime], None],
) -> None:
    """Some are handed over at once, some later and to some, some never."""
    settings.TIME_ZONE = zone
    chance = random.Random(str(change))
    people = [person(email=f"p{n}@shop.example") for n in range(6)]
    rules = typology(5)
    rule = {"maximum": 5, "period_days": 7}
    open_ones: list[tuple[Delivery, datetime]] = []
    for number in range(40):
        day, clock = divmod(number, 2)
        clock_time = (time(8), time(18, 30))[clock]
        now = local(zone, change + timedelta(days=day - 10), clock_time)
        turn_to(now)
        delivery = _delivery(number, people, rules, now, chance)
        expected = {
            p.pk: CODE if is_fatigued(delivery, p, rule) else None
            for p in people
            if delivery.audience.members.filter(profile_id=p.pk).exists()
        }
        analysis.analyse(delivery)
        assert rows_of(delivery) == expected, number
        open_ones.append((delivery, now))
        chance.shuffle(open_ones)
        while open_ones and chance.random() < 0.6:
            sent, prepared_at = open_ones.pop()
            if now - prepared_at < timedelta(days=1):
                handover.record_handover(sent, now)


def _delivery(
    number: int,
    people: list[Profile],
    rules: Typology,
    now: datetime,
    chance: random.Random,
) -> Delivery:
    chosen = [p.pk for p in people if chance.random() < 0.7] or [people[0].pk]
    later = timedelta(days=chance.choice([0, 0, 1, 3, 7]))
    return deliveries.create(
        f"Number {number}",
        channel="email",
        audience=lambda: membership.list_of(f"List {number}", chosen),
        typology=rules,
        contact_date=now + later if chance.random() < 0.5 else None,
    )
