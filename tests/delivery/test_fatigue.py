"""Fatigue: at most N messages around the contact date, handed over and scheduled."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra.django import TestCase

from audiences import membership
from audiences.models import Profile
from audiences.refusals import Refused
from delivery import analysis, deliveries
from delivery.models import Analysis, Delivery, Message, Outcome
from delivery.rules import writing
from delivery.sending import handover
from tests.people import ago, causes, got, person, rows_of

pytestmark = pytest.mark.django_db
CODE = "fatigue:r"
WEEK, SECOND = timedelta(days=7), timedelta(seconds=1)


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


@pytest.mark.parametrize(
    ("offset", "counts"),
    [
        (-WEEK, False),
        (-WEEK + SECOND, True),
        (timedelta(), True),
        (WEEK - SECOND, True),
        (WEEK, False),
        (WEEK + SECOND, False),
    ],
)
def test_the_period_lies_on_both_sides_without_its_ends(
    ann: Profile, offset: timedelta, counts: bool
) -> None:
    date = timezone.now() + timedelta(days=30)
    delivery = delivery_with(at=date)
    expected = {ann.pk: CODE if counts else None}
    got(ann, date + offset)
    assert causes(delivery) == expected
    Message.objects.all().delete()
    scheduled("Planned", date + offset, [ann])
    assert causes(delivery) == expected


def test_without_a_contact_date_the_present_counts(ann: Profile) -> None:
    delivery = delivery_with()
    got(ann, ago(6.9))
    assert causes(delivery) == {ann.pk: CODE}
    Message.objects.update(sent_at=ago(7.1))
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


def test_what_is_not_prepared_or_has_no_date_is_not_scheduled(ann: Profile) -> None:
    date = timezone.now() + timedelta(days=1)
    delivery = delivery_with(at=date)
    scheduled("No date", None, [ann])
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
OFFSETS = (-8, -7, -6, 0, 3, 6, 7, 8)
GIVEN = st.lists(
    st.tuples(
        st.sampled_from(OFFSETS),
        st.sampled_from(["email", "sms"]),
        st.sets(st.integers(0, 3), min_size=1),
        st.booleans(),
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
        cls.date = timezone.now() + timedelta(days=30)
        cls.audience = membership.everyone()

    def _fill(self, given: list[Any]) -> None:
        for number, (offset, channel, members, is_sent) in enumerate(given):
            at = self.date + timedelta(days=offset)
            delivery = Delivery.objects.create(
                label=f"{number}", channel=channel, audience=self.audience,
                contact_date=at,
            )  # fmt: skip
            Analysis.objects.create(
                delivery=delivery, state="ready", at=at, definition={}
            )
            for member in members:
                pk = self.people[member].pk
                Outcome.objects.create(delivery=delivery, profile_id=pk, address="x")
                if is_sent:
                    Message.objects.create(
                        delivery=delivery, profile_id=pk, channel=channel, address="x",
                        sent_at=at,
                    )  # fmt: skip

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        GIVEN, st.integers(1, 3), st.sampled_from(["", "email", "sms"]), st.booleans()
    )
    def test_a_random_calendar_is_counted_as_by_hand(
        self, given: list[Any], maximum: int, channel: str, own_limit: bool
    ) -> None:
        self._fill(given)
        delivery = delivery_with(
            maximum, self.date, channel=channel, uses_profile_limit=own_limit
        )
        expected = {}
        for number, profile in enumerate(self.people):
            count = sum(
                number in members and abs(offset) < 7 and channel in ("", sent_by)
                for offset, sent_by, members, _is_sent in given
            )
            limit = (own_limit and profile.message_limit) or maximum
            expected[profile.pk] = CODE if count >= limit else None
        analysis.analyse(delivery)
        assert rows_of(delivery) == expected
        for profile in self.people:
            found = analysis.explain(delivery, profile).deciding
            assert (found.code if found else None) == expected[profile.pk]
