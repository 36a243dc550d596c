"""Whatever happens in whatever order: nobody twice, nobody after an opt-out.

The two promises of sending as invariants of a random story: batches are claimed and
handed over, workers die in between, people opt out, the server refuses, puts off and
hangs up, somebody pauses and goes on.
"""

from itertools import count
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, given, settings as rules, strategies as st

from audiences import consent, membership
from audiences.models import Profile
from delivery import analysis, deliveries
from delivery.models import Delivery, Dispatch, Message, Sending
from delivery.sending import claims, sendings, worker
from delivery.sending.last_check import LastCheck
from delivery.sending.status import status_of
from tests.people import ORIGIN, person
from tests.transports.smtp_server import CUT, Sink

from .conftest import CONTENT

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 6
_numbers = count(1)

ACTS = st.one_of(
    st.tuples(st.just("work"), st.integers(1, 3)),
    st.tuples(st.just("die"), st.integers(1, 3)),
    st.tuples(st.just("opt out"), st.integers(0, PEOPLE - 1)),
    st.tuples(st.just("pause"), st.just(0)),
    st.tuples(st.just("resume"), st.just(0)),
    st.tuples(
        st.just("answer"),
        st.sampled_from(["450 4.2.1 Busy", "550 5.7.1 No", "550 5.1.1 Unknown"]),
    ),
    st.tuples(st.just("cut"), st.just(0)),
)


class Story:
    """One delivery to six people of its own, and what happens to it."""

    def __init__(self, sink: Sink) -> None:
        number = next(_numbers)
        self.sink = sink
        sink.mails.clear()
        sink.says.clear()
        self.people = [
            person(first_name="A", email=f"a{n}.{number}@example.com")
            for n in range(PEOPLE)
        ]
        ids = [one.pk for one in self.people]
        self.delivery = deliveries.create(
            f"Story {number}",
            channel="email",
            subject="Sale",
            content=CONTENT,
            audience=lambda: membership.list_of(f"story {number}", ids),
        )
        analysis.analyse(self.delivery)
        self.sending = sendings.begin(self.delivery, actor="test", wakes=False)
        self.slot = 40
        self.got_before: dict[int, int] = {}

    def do(self, act: str, value: Any) -> None:
        getattr(self, "_" + act.replace(" ", "_"))(value)
        self.check()

    def _work(self, batches: int) -> None:
        Dispatch.objects.filter(status="waiting").update(due_at=timezone.now())
        turns = iter([False] * batches + [True] * 9)
        worker.send(self.sending, should_stop=turns.__next__, waits=False)

    def _die(self, size: int) -> None:
        """A worker claims, begins the half of it, and is gone."""
        self.slot += 1
        check = LastCheck(self.delivery)
        claimed = claims.claim(self.sending, check, self.slot, most=size)
        if isinstance(claimed, claims.Batch):
            claims.begin(self.sending, claimed.ids[: (size + 1) // 2], self.slot)

    def _opt_out(self, at: int) -> None:
        one = Profile.objects.get(pk=self.people[at].pk)
        if not one.no_longer_contact_email:
            consent.opt_out(one, "email", ORIGIN)
            self.got_before[at] = len(self._mails_to(at))

    def _pause(self, _value: int) -> None:
        if self._state() == Sending.State.SENDING:
            sendings.pause(self.delivery)

    def _resume(self, _value: int) -> None:
        if self._state() == Sending.State.PAUSED:
            sendings.resume(self.delivery)

    def _answer(self, answer: str) -> None:
        self.sink.says["RCPT"] = [answer, "250 2.1.5 Ok"]

    def _cut(self, _value: int) -> None:
        self.sink.says["MESSAGE"] = [CUT, "250 2.0.0 Ok"]

    def _state(self) -> str:
        return sendings.of(self.delivery).state

    def _mails_to(self, at: int) -> list[str]:
        address = self.people[at].addresses.get().value
        return [to for _from, to, _mail in self.sink.mails if to == address]

    def check(self) -> None:
        found = status_of(self.delivery)
        sums = found.waiting + found.sent + sum(found.withdrawn.values())
        assert found.to_deliver == sums + found.refused + found.uncertain
        assert found.waiting >= 0
        for at in range(PEOPLE):
            mails = len(self._mails_to(at))
            assert mails <= 1
            assert mails <= self.got_before.get(at, 1)
        recorded = Message.objects.filter(delivery=self.delivery).count()
        assert recorded == found.sent + found.uncertain

    def end(self) -> None:
        """It comes to its end, and everybody is in one status for good."""
        self._resume(0)
        for _turn in range(4):
            Dispatch.objects.filter(status="waiting").update(
                due_at=timezone.now(), attempts=F("attempts")
            )
            worker.send(self.sending, waits=False)
        self.check()
        found = status_of(self.delivery)
        assert (found.state, found.waiting) == ("sent", 0)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "BATCH", 2)
    monkeypatch.setattr("delivery.sending.results.FEWEST", 10_000)


@rules(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=st.lists(ACTS, max_size=10))
def test_nobody_twice_and_nobody_after_an_opt_out(
    sink: Sink, small_batches: None, acts: list[tuple[str, Any]]
) -> None:
    story = Story(sink)
    for act, value in acts:
        story.do(act, value)
    story.end()
    assert Delivery.objects.filter(pk=story.delivery.pk).exists()
