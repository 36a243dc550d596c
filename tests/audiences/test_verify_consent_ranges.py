"""The proof of consent goes from range to range and finds what a slow reading finds."""

import random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences import consent, privacy, subscriptions
from audiences.channels import FLAGS
from audiences.models import ConsentEvent, Profile, Service, Subscription
from audiences.records import verification
from audiences.sql import execute
from audiences.subscriptions.writing import STATUS_AFTER
from tests.factories import BY_COMMAND, ServiceFactory, many_profiles
from tests.people import person as somebody

pytestmark = pytest.mark.django_db


def slow_reading() -> tuple[list[str], list[int]]:
    """Every event, flag and subscription, one by one in Python."""
    flags: dict[tuple[int, str], str] = {}
    steps: dict[tuple[int, Any], str] = {}
    for event in ConsentEvent.objects.order_by("id"):
        if event.kind in STATUS_AFTER:
            steps[event.profile_id, event.service_id] = STATUS_AFTER[event.kind]
        else:
            flags[event.profile_id, event.channel] = event.kind
    people = {p.pk: p for p in Profile.objects.all()}
    found = []
    for pk, person in people.items():
        for scope, flag in FLAGS.items():
            is_set, ends_out = (
                getattr(person, flag),
                flags.get((pk, scope)) == "opt_out",
            )
            if is_set and not ends_out:
                found.append(
                    f"profile {pk}: {flag} is set, but the history does not end with an opt-out"
                )
            if ends_out and not is_set:
                found.append(
                    f"profile {pk}: {flag} is clear, but the history ends with an opt-out"
                )
    held = {(s.profile_id, s.service_id): s.status for s in Subscription.objects.all()}
    known = {about: status for about, status in steps.items() if about[0] in people}
    for pk, service in {*held, *known}:
        is_, was = held.get((pk, service)), known.get((pk, service))
        about = f"profile {pk}, service {service}:"
        if is_ and is_ != was:
            found.append(
                f"{about} the subscription is {is_}, but the history does not say so"
            )
        if was and is_ != was:
            found.append(
                f"{about} the history ends in {was}, but the subscription does not"
            )
    erased = {pk for pk, _about in [*flags, *steps]} - set(people)
    return sorted(found), sorted(erased)


def random_world(chance: random.Random) -> None:
    """People who came and went, and changes behind the writers."""
    services: list[Service] = [ServiceFactory() for _ in range(2)]
    people = many_profiles(chance.randint(1, 9))
    for _ in range(chance.randint(0, 40)):
        person, service = chance.choice(people), chance.choice(services)
        scope = chance.choice(list(FLAGS))
        act: Any = chance.choice(
            [
                consent.opt_out,
                consent.opt_in,
                subscriptions.subscribe,
                subscriptions.unsubscribe,
            ]
        )
        about = scope if act in (consent.opt_out, consent.opt_in) else service
        act(person, about, BY_COMMAND)
    for _ in range(chance.randint(0, 4)):
        person, flag = chance.choice(people), chance.choice(list(FLAGS.values()))
        execute(
            f"UPDATE audiences_profile SET {flag} = NOT {flag} WHERE id = %s",
            [person.pk],
        )
    for row in Subscription.objects.all():
        if chance.random() < 0.15:
            row.delete()
        elif chance.random() < 0.15:
            Subscription.objects.filter(pk=row.pk).update(
                status=chance.choice(list(Subscription.Status))
            )
    for person in people:
        if chance.random() < 0.2:
            privacy.erase(Profile.objects.get(pk=person.pk))
    lonely = Profile.objects.order_by("?").first()
    if lonely and not lonely.subscriptions.exists():
        Subscription.objects.create(
            profile=lonely,
            service=services[0],
            status="active",
            changed_at=timezone.now(),
        )


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize(
    ("profiles", "events"), [(1, 1), (3, 5), (2, 999), (999, 2), (20_000, 200_000)]
)
def test_ranges_of_any_size_find_what_a_slow_reading_finds(
    seed: int, profiles: int, events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random_world(random.Random(seed))
    monkeypatch.setattr(verification, "PROFILES", profiles)
    monkeypatch.setattr(verification, "EVENTS", events)
    told: list[tuple[int, int]] = []
    found = verification.verify_consent(lambda done, last: told.append((done, last)))
    assert (sorted(found.differences), found.erased_profiles) == slow_reading()
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]


def test_nobody_at_all_agrees() -> None:
    assert verification.verify_consent().is_consistent


def test_each_range_is_read_with_the_same_number_of_statements(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many_profiles(40)
    somebody(email="a@b.example")
    consent.opt_out_all(Profile.objects.all(), "email", BY_COMMAND)
    counts = []
    for size in (40, 20, 10):
        monkeypatch.setattr(verification, "PROFILES", size)
        with CaptureQueriesContext(connection) as queries:
            assert verification.verify_consent().is_consistent
        counts.append(len(queries))
    one, two, four = counts
    assert four - two == 2 * (two - one) > 0


def test_the_gap_that_many_erased_people_leave_is_read_in_ranges(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = many_profiles(12)
    consent.opt_out_all(Profile.objects.all(), "sms", BY_COMMAND)
    for person in people[2:-1]:
        privacy.erase(person)
    monkeypatch.setattr(verification, "EVENTS", 3)
    told: list[int] = []
    found = verification.verify_consent(lambda done, last: told.append(done))
    assert found.erased_profiles == [person.pk for person in people[2:-1]]
    assert len(told) >= 4
