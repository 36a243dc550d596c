"""People change while a run ends: its results are those of the moment it is ready.

Changes are made at fixed points of a run: between its chunks, and right before each of
its looks, the last one included.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from hypothesis import HealthCheck, example, given, settings, strategies as st
from hypothesis.extra.django import TestCase

from audiences import addresses, consent, membership, privacy, subscriptions
from audiences.models import Address, Profile
from delivery import analysis
from tests.examples import examples

from .oracle import Oracle
from .worlds import (
    ADDRESSES,
    ORIGIN,
    assert_report,
    block,
    delivery_of,
    give,
    rows_of,
    warned_of,
)

pytestmark = pytest.mark.django_db
CHANNEL = "email"
# What the code asks first when it looks at what has changed.
LOOKS = ("SELECT pg_current_snapshot()", "UPDATE audiences_clock")


@contextmanager
def before_each_look(act: Callable[[], None]) -> Iterator[None]:
    """Do something right before a run looks at what has changed."""

    def wrapper(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith(LOOKS):
            act()
        return execute(sql, *arguments)

    with connection.execute_wrapper(wrapper):
        yield


class Changes:
    """A list of changes of people, made one by one."""

    def __init__(self, changes: list[tuple[str, int, int]], service: Any) -> None:
        self.left = list(changes)
        self.service = service

    def make(self) -> None:
        if self.left:
            act, who, number = self.left.pop(0)
            profile = Profile.objects.order_by("pk")[who % 6 : who % 6 + 1].first()
            if profile:
                getattr(self, act)(profile, ADDRESSES[CHANNEL][number])

    def opt_out(self, profile: Profile, address: str) -> None:
        consent.opt_out(profile, CHANNEL, ORIGIN)

    def opt_in(self, profile: Profile, address: str) -> None:
        consent.opt_in(profile, CHANNEL, ORIGIN)

    def unsubscribe(self, profile: Profile, address: str) -> None:
        subscriptions.unsubscribe(profile, self.service, ORIGIN)

    def quarantine(self, profile: Profile, address: str) -> None:
        block(CHANNEL, address, "quarantine")

    def release(self, profile: Profile, address: str) -> None:
        block(CHANNEL, address, "valid")

    def attach(self, profile: Profile, address: str) -> None:
        give(profile, CHANNEL, address)

    def move(self, profile: Profile, address: str) -> None:
        give(profile, CHANNEL, address, primary=True)

    def detach(self, profile: Profile, address: str) -> None:
        held = Address.objects.filter(profile=profile).order_by("-is_primary").first()
        if held:
            addresses.detach(held)

    def erase(self, profile: Profile, address: str) -> None:
        privacy.erase(profile)

    def arrive(self, profile: Profile, address: str) -> None:
        """Somebody new, whom the run does not judge, with an address and an opt-out."""
        other = Profile.objects.create()
        give(other, CHANNEL, address)
        consent.opt_out(other, "any", ORIGIN)


ACTS = [name for name in vars(Changes) if name not in ("make",) and name[0] != "_"]
CHANGE = st.tuples(st.sampled_from(ACTS), st.integers(0, 5), st.integers(0, 2))


# Two people and one chunk: after two changes come the first look and the last one.
NOTHING = ("opt_in", 1, 0)
SHARED = [([0], False, False), ([0], False, False)]
APART = [([0], False, False), ([1], False, False)]
ONE_IS_OUT = [([0], True, False), ([0], False, False)]
REST = {"is_stopped": False, "with_service": False, "size": 2, "purpose": "marketing"}


def after_the_chunks(*changes: tuple[str, int, int]) -> list[tuple[str, int, int]]:
    return [NOTHING, NOTHING, *changes]


class ChangesDuringARun(TestCase):
    @example(people=SHARED, changes=after_the_chunks(("opt_out", 0, 0)), **REST)
    @example(people=SHARED, changes=after_the_chunks(("erase", 0, 0)), **REST)
    @example(people=ONE_IS_OUT, changes=after_the_chunks(("opt_out", 1, 0)), **REST)
    @example(people=ONE_IS_OUT, changes=after_the_chunks(("detach", 0, 0)), **REST)
    @example(
        people=APART,
        changes=after_the_chunks(("move", 1, 0), ("detach", 0, 0)),
        **REST,
    )
    @settings(
        max_examples=examples(30),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        people=st.lists(
            st.tuples(
                st.lists(st.integers(0, 2), max_size=2),
                st.booleans(),
                st.booleans(),
            ),
            min_size=2,
            max_size=6,
        ),
        changes=st.lists(CHANGE, max_size=9),
        is_stopped=st.booleans(),
        with_service=st.booleans(),
        size=st.integers(1, 3),
        purpose=st.sampled_from(["marketing", "marketing", "legal"]),
    )
    def test_results_are_those_of_the_moment_it_is_ready(
        self,
        people: list[tuple[list[int], bool, bool]],
        changes: list[tuple[str, int, int]],
        is_stopped: bool,
        with_service: bool,
        size: int,
        purpose: str,
    ) -> None:
        service = subscriptions.create_service("news", label="News", channel=CHANNEL)
        made = []
        for numbers, is_out, is_subscribed in people:
            profile = Profile.objects.create()
            made.append(profile.pk)
            for number in numbers:
                give(profile, CHANNEL, ADDRESSES[CHANNEL][number])
            if is_out:
                consent.opt_out(profile, CHANNEL, ORIGIN)
            if is_subscribed:
                subscriptions.subscribe(profile, service, ORIGIN)
        # A list, since people who arrive later do not belong to a run.
        delivery = delivery_of(
            channel=CHANNEL,
            audience=lambda: membership.list_of("those", made),
            service=service if with_service else None,
            purpose=purpose,
        )
        due = Changes(changes, service)
        with override_settings(ANALYSIS_CHUNK_SIZE=size), before_each_look(due.make):
            if is_stopped:
                analysis.analyse(delivery, should_stop=lambda: True)
                due.make()
            report = analysis.analyse(delivery, on_progress=lambda _done: due.make())
        oracle = Oracle(delivery)
        gone = [pk for pk in made if not Profile.objects.filter(pk=pk).exists()]
        assert report.state == "ready"
        assert rows_of(delivery) == oracle.outcomes
        assert not {*rows_of(delivery)} & {*gone}
        assert warned_of(delivery) == oracle.warned
        assert_report(report, oracle)
