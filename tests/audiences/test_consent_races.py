"""Writers at the same moment: one change is recorded once, and the history folds."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from audiences import consent, subscriptions
from audiences.channels import Scope
from audiences.consent import Origin
from audiences.models import ConsentEvent, Profile, Subscription
from audiences.records.verification import verify_consent
from audiences.selections import bulk_acts, undoing
from tests.delivery.sessions import Session, wait_until_blocked
from tests.factories import BY_COMMAND, ProfileFactory, ServiceFactory, many_profiles

pytestmark = [
    pytest.mark.usefixtures("transactional_db"),
    pytest.mark.skipif(
        connection.vendor == "sqlite",
        reason="SQLite in memory has one writer; BEGIN IMMEDIATE serialises files",
    ),
]
WRITERS = 8


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run all acts in threads of their own, begun together."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=120)
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_eight_opt_outs_of_one_profile_are_one_event() -> None:
    profile = ProfileFactory()
    results = at_once(
        *[lambda: consent.opt_out(profile, "email", BY_COMMAND).changed] * WRITERS
    )
    assert sorted(results) == [False] * 7 + [True]
    assert ConsentEvent.objects.count() == 1


def test_eight_bulk_opt_outs_record_each_profile_once() -> None:
    many_profiles(300)
    orders = ["pk", "-pk", "?", "external_id"] * 2
    changed = at_once(
        *(
            lambda order=order: consent.opt_out_all(
                Profile.objects.order_by(order), "any", BY_COMMAND
            )
            for order in orders
        )
    )
    assert sum(changed) == 300
    assert ConsentEvent.objects.count() == 300
    assert verify_consent().is_consistent


def test_races_of_opt_out_and_opt_in_fold_to_the_flags() -> None:
    profiles = many_profiles(20)

    def act(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(15):
            scope = chance.choice([Scope.ANY, Scope.EMAIL])
            profile = chance.choice(profiles)
            chosen = Profile.objects.filter(pk__gte=profile.pk)
            match chance.randrange(4):
                case 0:
                    consent.opt_out(profile, scope, BY_COMMAND)
                case 1:
                    consent.opt_in(profile, scope, BY_COMMAND)
                case 2:
                    consent.opt_out_all(chosen, scope, BY_COMMAND)
                case 3:
                    consent.opt_in_all(chosen, scope, BY_COMMAND)

    at_once(*(lambda seed=seed: act(seed) for seed in range(WRITERS)))
    assert verify_consent().is_consistent
    assert_history_alternates()


def assert_history_alternates() -> None:
    """Never two events of one kind in a row: each was a change."""
    last: dict[tuple[int, str], str] = {}
    for event in ConsentEvent.objects.order_by("id"):
        about = (event.profile_id, event.channel)
        assert last.get(about, "opt_in") != event.kind
        last[about] = event.kind


def test_eight_subscribers_at_once_are_one_subscription_and_one_event() -> None:
    profile, service = ProfileFactory(), ServiceFactory()
    changed = at_once(
        *[lambda: subscriptions.subscribe(profile, service, BY_COMMAND).changed] * 4,
        *[
            lambda: subscriptions.subscribe_all(
                Profile.objects.all(), service, BY_COMMAND
            )
        ]
        * 4,
    )
    assert sum(map(int, changed)) == 1
    assert Subscription.objects.count() == ConsentEvent.objects.count() == 1


def test_races_of_subscribing_and_unsubscribing_fold() -> None:
    many_profiles(20)
    service = ServiceFactory()
    everyone = Profile.objects.all()

    def act(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(10):
            write = chance.choice(
                [subscriptions.subscribe_all, subscriptions.unsubscribe_all]
            )
            write(everyone.order_by("?")[:12], service, BY_COMMAND)

    at_once(*(lambda seed=seed: act(seed) for seed in range(WRITERS)))
    assert verify_consent().is_consistent


def test_who_opts_out_by_themselves_while_a_change_is_undone_stays_out() -> None:
    """The undoing looked before the person said so, and waits for their row."""
    people = many_profiles(3)
    details, by_person = {"scope": "email"}, Origin(source="one_click")
    act = bulk_acts.begin("opt_out", {}, actor="eva", details=details)
    undoing_it = Session(lambda _own: bulk_acts.undo(act, actor="eva"))
    with transaction.atomic():
        consent.opt_out(people[0], "email", by_person)
        undoing_it.start()
        wait_until_blocked()
    undoing_it.finish()
    out = Profile.objects.filter(no_longer_contact_email=True)
    assert list(out) == [people[0]]
    assert undoing.figures(act) == {"undone": 2, "changed_since": 1}
    # Who leaves after the undoing is out by a change of their own.
    assert consent.opt_out(people[1], "email", by_person).changed
    assert verify_consent().is_consistent


@pytest.mark.parametrize("source", ["import", "one_click"])
def test_opt_out_that_comes_while_a_change_is_undone_is_not_lost(source: str) -> None:
    """It reads "is out already" before the undoing commits, and waits for it."""
    people = many_profiles(2)
    act = bulk_acts.begin("opt_out", {}, actor="eva", details={"scope": "email"})
    chosen, origin = Profile.objects.filter(pk=people[0].pk), Origin(source=source)
    leaving = Session(
        lambda _own: (
            consent.opt_out_all(chosen, "email", origin)
            if source == "import"
            else consent.opt_out(people[0], "email", origin)
        )
    )
    with transaction.atomic():
        bulk_acts.undo(act, actor="eva")
        leaving.start()
        wait_until_blocked()
    leaving.finish()
    assert list(Profile.objects.filter(no_longer_contact_email=True)) == [people[0]]
    assert verify_consent().is_consistent
