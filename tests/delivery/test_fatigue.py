"""Fatigue: at most N messages in a window of days, handed over and prepared."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as django_settings
from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from hypothesis.extra.django import TestCase

from audiences import membership
from audiences.models import Profile
from audiences.refusals import Refused
from delivery import analysis, deliveries
from delivery.models import Analysis, Delivery, Message, Outcome, Typology, TypologyRule
from delivery.rules import writing
from delivery.sending import handover
from tests.examples import examples
from tests.people import ago, causes, got, person, rows_of

from .fatigue_oracle import is_fatigued

pytestmark = pytest.mark.django_db
CODE = "fatigue:r"
DAY = timedelta(days=1)


def delivery_with(
    maximum: int = 1, at: datetime | None = None, **facts: Any
) -> Delivery:
    writing.create_fatigue_rule(
        "r", maximum=maximum, period_days=facts.pop("days", 7), **facts
    )
    typology = writing.create_typology("t", rules=["r"])
    return deliveries.create(
        "News", channel="email", typology=typology, contact_date=at
    )


def scheduled(
    label: str, at: datetime | None, people: list[Profile], channel: str = "email"
) -> Delivery:
    """A delivery to these people that is prepared and not handed over."""
    delivery = deliveries.create(
        label,
        channel=channel,
        audience=lambda: membership.list_of(label, [p.pk for p in people]),
        contact_date=at,
    )
    assert analysis.analyse(delivery).to_deliver == len(people)
    return delivery


@pytest.fixture
def ann() -> Profile:
    return person(email="ann@shop.example", sms="+31612345678")


def at_noon(days: int, clock: time = time(12)) -> datetime:
    """A time of the clock where the site is, so many days from today."""
    zone = ZoneInfo(django_settings.TIME_ZONE)
    day = timezone.now().astimezone(zone).date() + days * DAY
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("days", "clock", "counts"),
    [
        (-7, time(12), False),
        (-7, time(23, 59, 59, 999999), False),
        (-6, time(0), True),
        (0, time(0), True),
        (0, time(23, 59), True),
        (6, time(23, 59, 59, 999999), True),
        (7, time(0), False),
        (7, time(12), False),
    ],
)
def test_the_period_counts_calendar_days_on_both_sides(
    ann: Profile, days: int, clock: time, counts: bool
) -> None:
    delivery = delivery_with(at=at_noon(30))
    expected = {ann.pk: CODE if counts else None}
    got(ann, at_noon(30 + days, clock))
    assert causes(delivery) == expected
    Message.objects.all().delete()
    scheduled("Planned", at_noon(30 + days, clock), [ann])
    assert causes(delivery) == expected


def test_a_period_of_one_day_is_today(ann: Profile) -> None:
    delivery = delivery_with(at=at_noon(30), days=1)
    got(ann, at_noon(29, time(23, 59)))
    got(ann, at_noon(31, time(0)), "Next")
    assert causes(delivery) == {ann.pk: None}
    got(ann, at_noon(30, time(0)), "Same")
    assert causes(delivery) == {ann.pk: CODE}


def test_the_window_slides_over_the_delivery(ann: Profile) -> None:
    """One before and one after are never in a week together with it."""
    delivery = delivery_with(maximum=2, at=at_noon(30))
    got(ann, at_noon(26), "Before")
    got(ann, at_noon(34), "After")
    assert causes(delivery) == {ann.pk: None}
    got(ann, at_noon(32), "Between")
    assert causes(delivery) == {ann.pk: CODE}


def test_without_a_contact_date_the_present_counts(ann: Profile) -> None:
    delivery = delivery_with()
    got(ann, at_noon(-6))
    assert causes(delivery) == {ann.pk: CODE}
    Message.objects.update(sent_at=at_noon(-7))
    assert causes(delivery) == {ann.pk: None}


def test_a_contact_date_that_has_passed_means_now(ann: Profile) -> None:
    delivery = delivery_with(at=ago(30))
    got(ann, ago(30))
    assert causes(delivery) == {ann.pk: None}
    Message.objects.update(sent_at=ago(1))
    assert causes(delivery) == {ann.pk: CODE}


def test_handed_over_and_scheduled_count_together(ann: Profile) -> None:
    bob = person(email="bob@shop.example")
    date = timezone.now() + timedelta(days=2)
    delivery = delivery_with(maximum=2, at=date)
    got(ann, ago(1))
    got(bob, ago(1))
    assert causes(delivery) == {ann.pk: None, bob.pk: None}
    scheduled("Planned", date, [ann])
    assert causes(delivery) == {ann.pk: CODE, bob.pk: None}


def test_a_scheduled_delivery_that_was_handed_over_counts_once(ann: Profile) -> None:
    date = timezone.now() + timedelta(days=1)
    delivery = delivery_with(maximum=2, at=date)
    planned = scheduled("Planned", date, [ann])
    assert handover.record_handover(planned, date) == 1
    assert causes(delivery) == {ann.pk: None}
    got(ann, ago(1))
    assert causes(delivery) == {ann.pk: CODE}


def test_only_those_whom_a_scheduled_delivery_reaches_are_counted(
    ann: Profile,
) -> None:
    out = person(email="out@shop.example", out="email")
    twin = person(email="ann@shop.example")
    date = timezone.now() + timedelta(days=1)
    people = [ann, out, twin]
    planned = deliveries.create(
        "Planned",
        channel="email",
        audience=lambda: membership.list_of("all", [p.pk for p in people]),
        contact_date=date,
    )
    analysis.analyse(planned)
    found = causes(delivery_with(at=date))
    assert found[ann.pk] == CODE
    assert found[out.pk] == "denylist_channel"
    # The twin was excluded there, and keeps the address here: ann is excluded.
    assert found[twin.pk] is None


def test_what_is_not_prepared_does_not_count(ann: Profile) -> None:
    date = timezone.now() + timedelta(days=1)
    delivery = delivery_with(at=date)
    draft = scheduled("Draft", date, [ann])
    draft.analyses.all().delete()
    assert causes(delivery) == {ann.pk: None}
    stopped = scheduled("Stopped", date, [ann])
    for state in ("stopped", "failed", "running"):
        stopped.analyses.update(state=state)
        assert causes(delivery) == {ann.pk: None}
    stopped.analyses.update(state="ready")
    assert causes(delivery) == {ann.pk: CODE}
    # The last analysis says whether it is prepared.
    Analysis.objects.create(delivery=stopped, state="failed", at=date, definition={})
    assert causes(delivery) == {ann.pk: None}


def test_without_a_contact_date_it_counts_now(ann: Profile) -> None:
    scheduled("No date", None, [ann])
    assert causes(delivery_with(at=at_noon(6))) == {ann.pk: CODE}


def test_without_a_contact_date_it_does_not_count_next_week(ann: Profile) -> None:
    scheduled("No date", None, [ann])
    assert causes(delivery_with(at=at_noon(7))) == {ann.pk: None}


def test_a_contact_date_that_has_passed_counts_now(ann: Profile) -> None:
    scheduled("Late", ago(20), [ann])
    assert causes(delivery_with()) == {ann.pk: CODE}


def test_each_target_counts_until_their_own_message_is_recorded(ann: Profile) -> None:
    """One recorded message frees nobody else."""
    bob = person(email="bob@shop.example")
    delivery = delivery_with(at=at_noon(1))
    planned = scheduled("Planned", at_noon(1), [ann, bob])
    Message.objects.create(
        delivery=planned, profile=ann, channel="email", address="x", sent_at=ago(20)
    )
    assert causes(delivery) == {ann.pk: None, bob.pk: CODE}
    Message.objects.create(
        delivery=planned, profile=bob, channel="email", address="x", sent_at=ago(1)
    )
    assert causes(delivery) == {ann.pk: None, bob.pk: CODE}


@pytest.mark.parametrize(("days", "counts"), [(-1, True), (-7, True), (-8, False)])
def test_what_was_prepared_and_forgotten_stops_to_count(
    ann: Profile, days: int, counts: bool
) -> None:
    """It counts on the last day on which it might have gone out, then no more."""
    forgotten = scheduled("Forgotten", None, [ann])
    forgotten.analyses.update(finished_at=at_noon(days))
    assert causes(delivery_with()) == {ann.pk: CODE if counts else None}


def test_what_was_planned_and_forgotten_stops_to_count(ann: Profile) -> None:
    forgotten = scheduled("Forgotten", ago(20), [ann])
    forgotten.analyses.update(finished_at=ago(10))
    assert causes(delivery_with()) == {ann.pk: None}
    forgotten.analyses.update(finished_at=ago(5))
    assert causes(delivery_with_typology(forgotten)) == {ann.pk: CODE}


def delivery_with_typology(_other: Delivery) -> Delivery:
    """Another delivery with the rule that there is."""
    return deliveries.create(
        "More news", channel="email", typology=Typology.objects.get(slug="t")
    )


def test_the_delivery_itself_is_not_counted(ann: Profile) -> None:
    delivery = delivery_with(at=timezone.now() + timedelta(days=1))
    assert causes(delivery) == {ann.pk: None}
    assert causes(delivery) == {ann.pk: None}
    handover.record_handover(delivery, timezone.now())
    assert analysis.explain(delivery, ann).deciding is None


@pytest.mark.parametrize(("channel", "counts"), [("", True), ("sms", True), ("email", False)])  # fmt: skip
def test_a_rule_counts_one_channel_or_all(
    ann: Profile, channel: str, counts: bool
) -> None:
    date = timezone.now() + timedelta(days=1)
    delivery = delivery_with(at=date, channel=channel)
    got(ann, ago(1), "Texts", channel="sms")
    expected = {ann.pk: CODE if counts else None}
    assert causes(delivery) == expected
    Message.objects.all().delete()
    scheduled("Planned", date, [ann], channel="sms")
    assert causes(delivery) == expected


def test_a_profiles_own_limit_replaces_the_maximum(ann: Profile) -> None:
    strict = person(email="s@shop.example", message_limit=1)
    patient = person(email="p@shop.example", message_limit=3)
    date = timezone.now() + timedelta(days=1)
    delivery = delivery_with(maximum=2, at=date, uses_profile_limit=True)
    people = [ann, strict, patient]

    def excluded() -> list[bool]:
        found = causes(delivery)
        return [found[p.pk] == CODE for p in people]

    assert excluded() == [False, False, False]
    for profile in people:
        got(profile, ago(1))
    assert excluded() == [False, True, False]
    scheduled("Planned", date, people)
    assert excluded() == [True, True, False]
    scheduled("Planned 2", date, people)
    assert excluded() == [True, True, True]


def test_a_profiles_own_limit_is_held_in_each_window(ann: Profile) -> None:
    strict = person(email="s@shop.example", message_limit=1)
    delivery = delivery_with(maximum=2, at=at_noon(30), uses_profile_limit=True)
    for profile in (ann, strict):
        got(profile, at_noon(24), "Before")
        got(profile, at_noon(36), "After")
    assert causes(delivery) == {ann.pk: None, strict.pk: CODE}


def test_a_profiles_limit_means_nothing_to_a_rule_that_does_not_read_it() -> None:
    strict = person(email="s@shop.example", message_limit=1)
    got(strict, ago(1))
    assert causes(delivery_with(maximum=2)) == {strict.pk: None}


@pytest.mark.parametrize(("maximum", "days"), [(0, 7), (-1, 7), (1, 0), (1001, 7), (1, 3651)])  # fmt: skip
def test_zero_is_refused_and_does_not_mean_unlimited(maximum: int, days: int) -> None:
    with pytest.raises(Refused, match=r"0 does not mean unlimited|The most"):
        writing.create_fatigue_rule("r", maximum=maximum, period_days=days)


def test_chunks_count_like_the_whole(ann: Profile, settings: Any) -> None:
    settings.ANALYSIS_CHUNK_SIZE = 2
    people = [person(email=f"p{n}@shop.example") for n in range(7)]
    date = timezone.now() + timedelta(days=1)
    scheduled("Planned", date, people[::2])
    for profile in people[1:4]:
        got(profile, ago(1))
    delivery = delivery_with(maximum=2, at=date)
    assert [causes(delivery)[p.pk] == CODE for p in people] == [
        False, False, True, False, False, False, False,
    ]  # fmt: skip


# ------------------------------------------------------------------ by brute force
OFFSETS = (-8, -7, -6, -3, 0, 2, 3, 6, 7, 8)
GIVEN = st.lists(
    st.tuples(
        st.sampled_from(OFFSETS),
        st.integers(0, 47),
        st.sampled_from(["email", "sms"]),
        st.sets(st.integers(0, 3), min_size=1),
        st.sets(st.integers(0, 3)),
        st.sampled_from(["dated", "undated"]),
    ),
    max_size=6,
)


class FatigueProperty(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.people = [
            person(email=f"p{n}@shop.example", message_limit=limit)
            for n, limit in enumerate((None, 1, 2, 3))
        ]
        cls.audience = membership.everyone()

    def _fill(self, given: list[Any], date: datetime) -> None:
        for number, (days, half_hours, channel, members, sent, dated) in enumerate(
            given
        ):
            at = date + timedelta(days=days, minutes=30 * half_hours - 720)
            delivery = Delivery.objects.create(
                label=f"{number}", channel=channel, audience=self.audience,
                contact_date=at if dated == "dated" else None,
            )  # fmt: skip
            Analysis.objects.create(
                delivery=delivery, state="ready", at=at, definition={},
                finished_at=timezone.now() + timedelta(days=days % 3 * -4),
            )  # fmt: skip
            for member in members:
                pk = self.people[member].pk
                Outcome.objects.create(delivery=delivery, profile_id=pk, address="x")
                if member in sent:
                    Message.objects.create(
                        delivery=delivery, profile_id=pk, channel=channel, address="x",
                        sent_at=at,
                    )  # fmt: skip

    @settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate])  # fmt: skip
    @given(
        GIVEN,
        st.integers(1, 3),
        st.sampled_from([1, 2, 7]),
        st.sampled_from(["", "email", "sms"]),
        st.booleans(),
        st.sampled_from([0, 3, 30]),
        st.sampled_from(["Europe/Amsterdam", "America/New_York", "Pacific/Auckland"]),
    )
    def test_a_random_calendar_is_counted_as_by_hand(
        self, given: list[Any], maximum: int, days: int, channel: str,
        own_limit: bool, ahead: int, zone: str,
    ) -> None:  # fmt: skip
        date = timezone.now() + timedelta(days=ahead)
        with override_settings(TIME_ZONE=zone):
            self._fill(given, date)
            delivery = delivery_with(
                maximum, date, channel=channel, uses_profile_limit=own_limit, days=days
            )
            rule = TypologyRule.objects.filter(code=CODE).values().get()
            expected = {
                p.pk: CODE if is_fatigued(delivery, p, rule) else None
                for p in self.people
            }
            analysis.analyse(delivery)
            assert rows_of(delivery) == expected
            for profile in self.people:
                found = analysis.explain(delivery, profile).deciding
                assert (found.code if found else None) == expected[profile.pk]
