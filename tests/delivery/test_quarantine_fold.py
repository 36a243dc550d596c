"""The fold of an address's evidence, against a slow computation and in any order."""

import copy
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import example, given, strategies as st

from delivery.models import AddressError, Message, QuarantineAction
from delivery.quarantine.status import EntryState, aged, fold

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def error(
    hours: float, type: str = "soft", reason: str = "refused", **facts: Any
) -> AddressError:
    at = START + hours * HOUR
    return AddressError(
        channel="email", key="a@b.example", at=at, type=type, reason=reason, **facts
    )


def action(
    hours: float, kind: str = "set", status: str = "valid", **facts: Any
) -> QuarantineAction:
    at = START + hours * HOUR
    return QuarantineAction(
        channel="email", key="a@b.example", at=at, kind=kind, status=status, **facts
    )


def arrived(steps: list) -> list:
    """The steps as they are on record when they arrive in this order.

    A decision is made when it arrives: after all that has arrived before it, whatever
    the dates of that.
    """
    kept: list[Any] = []
    errors = 0
    for number, step in enumerate(steps, start=1):
        made = copy.copy(step)
        if isinstance(made, AddressError):
            errors += 1
            made.pk = errors
        else:
            made.pk = number
        if getattr(made, "kind", "") == "set":
            made.known_error_id = errors
            made.at = max([made.at, *(k.at + MINUTE for k in kept)])
        kept.append(made)
    return kept


@dataclass
class Naive:
    """Status and count, hour by hour, straight from the words of Q3 to Q5."""

    status: str = "valid"
    count: int = 0
    counted: datetime | None = None
    release: datetime | None = None

    def clear(self) -> None:
        self.status, self.count = "valid", 0
        self.counted = self.release = None

    def age(self, at: datetime) -> None:
        if self.status == "erroneous" and self.release and at >= self.release:
            self.clear()

    def decide(self, made: QuarantineAction) -> None:
        self.age(made.at)
        if made.status == "valid":
            self.clear()
        else:
            self.status = made.status
            self.release = made.at + 10 * DAY

    def fail(self, e: AddressError) -> None:
        if e.type == "ignored":
            return
        self.age(e.at)
        if e.reason in ("complaint", "stop"):
            new, counts = "denylisted", True
        elif e.type == "hard":
            new, counts = "quarantine", True
        else:
            counts = self.counted is None or e.at - self.counted >= DAY
            if counts:
                self.counted = e.at
            new = "quarantine" if counts and self.count + 1 >= 5 else "erroneous"
            if self.status in ("valid", "erroneous"):
                until = e.at + (30 if e.reason == "mailbox_full" else 10) * DAY
                # One that does not count never brings the release nearer.
                held = self.release is not None and self.status == "erroneous"
                longer = held and not counts and self.release
                self.release = max(longer, until) if longer else until
        self.count += counts
        self.status = max(self.status, new, key=GRAVITY.index)


def oracle(steps: list) -> tuple[str, int]:
    """Decision by decision: what was known before it, and what came to light later."""
    naive, told = Naive(), list(steps)
    decisions = [s for s in steps if getattr(s, "kind", "") == "set"]
    for made in [*decisions, None]:
        arrived_before = steps[: steps.index(made)] if made else steps
        part = [
            s
            for s in told
            if s not in decisions
            and (
                s in arrived_before
                if isinstance(s, AddressError)
                else made is None or s.at < made.at
            )
        ]
        told = [s for s in told if s not in part]
        for s in sorted(part, key=lambda s: (s.at, isinstance(s, QuarantineAction))):
            if isinstance(s, AddressError):
                naive.fail(s)
            else:
                naive.age(s.at)
                if naive.status == "erroneous":
                    naive.clear()
        if made:
            naive.decide(made)
    return naive.status, naive.count


GRAVITY = ["valid", "erroneous", "quarantine", "denylisted"]
WHOLE_HOURS = st.integers(0, 24 * 40)
REASONS = st.sampled_from(["refused", "mailbox_full", "complaint", "stop"])
TYPES = st.sampled_from(["soft", "soft", "soft", "soft", "hard", "ignored"])
SOFT = st.builds(
    error, WHOLE_HOURS, st.just("soft"), st.sampled_from(["refused", "mailbox_full"])
)
ERRORS = SOFT | SOFT | SOFT | st.builds(error, WHOLE_HOURS, TYPES, REASONS)
STATUSES = st.sampled_from(["valid", "erroneous", "quarantine", "denylisted"])
MESSAGES = [Message(pk=1, delivery_id=1), Message(pk=2, delivery_id=2)]
# Few moments, so that many things happen at the same one.
SAME_HOURS = st.sampled_from([0, 1, 24, 25, 48, 240, 480, 481])
REPORTS = st.builds(
    error,
    SAME_HOURS,
    TYPES,
    st.sampled_from(
        ["refused", "mailbox_full", "user_unknown", "complaint", "stop", "unreachable"]
    ),
    text=st.sampled_from(["", "no", "full"]),
    message=st.sampled_from([None, None, *MESSAGES]),
) | st.builds(action, SAME_HOURS, st.just("success"))
ACTIONS = st.builds(
    action,
    WHOLE_HOURS,
    st.sampled_from(["set", "success"]),
    STATUSES,
)


def distinct(steps: list) -> list:
    """One step an hour: what came first within a moment is told by row numbers."""
    return list({step.at: step for step in steps}.values())


def folded(steps: list) -> EntryState:
    return fold(
        [s for s in steps if isinstance(s, AddressError)],
        [s for s in steps if isinstance(s, QuarantineAction)],
    )


# The address is valid again by time when the operator decides: the count begins anew.
@example([error(0), action(240, "set", "erroneous"), error(241)])
# A complaint that is older than a release and arrives after it.
@example([error(0, "hard"), action(9), error(5, "hard", "complaint")])
@given(st.lists(ERRORS | ACTIONS, max_size=14))
def test_the_fold_is_what_the_rules_give_step_by_step(steps):
    steps = arrived(distinct(steps))
    state = folded(steps)
    assert (state.status, state.error_count) == oracle(steps)


@given(st.lists(st.lists(REPORTS, max_size=7), max_size=3), st.data())
def test_between_decisions_the_order_of_arrival_does_not_matter(parts, data):
    """Also of what happened at one moment: status, reason, dates, all of it."""
    decisions = [
        action(500 * n, status=data.draw(STATUSES)) for n, _ in enumerate(parts)
    ]
    one, other = [], []
    for made, reports in zip(decisions, parts, strict=True):
        one += [*reports, made]
        other += [*data.draw(st.permutations(reports)), made]
    late = data.draw(st.lists(REPORTS, max_size=4))
    assert folded(arrived([*one, *late])) == folded(
        arrived([*other, *data.draw(st.permutations(late))])
    )


@given(st.lists(REPORTS, min_size=1, max_size=8), st.data())
def test_what_is_recorded_after_a_release_counts_as_if_nothing_was_before(
    reports, data
):
    known = data.draw(st.integers(0, len(reports)))
    after = reports[known:]
    state = folded(arrived([*reports[:known], action(0), *after]))
    alone = folded(arrived(after))
    denying = [r for r in after if getattr(r, "reason", "") in ("complaint", "stop")]
    if any(isinstance(r, AddressError) and r.type != "ignored" for r in denying):
        assert state.status == "denylisted"
    if not any(isinstance(r, QuarantineAction) for r in reports):
        assert state == alone


@pytest.mark.parametrize(
    ("late", "status"),
    [
        (error(1, "hard", "complaint"), "denylisted"),
        (error(1, "soft", "stop"), "denylisted"),
        (error(1, "ignored", "complaint"), "valid"),
        (error(1, "hard", "user_unknown"), "quarantine"),
        (error(1, "soft", "refused"), "erroneous"),
    ],
)
@pytest.mark.parametrize("arrives", ["before", "after"])
def test_a_release_discounts_what_was_known(late, status, arrives):
    before = [error(0, "hard"), late][: 2 if arrives == "before" else 1]
    after = [] if arrives == "before" else [late]
    state = folded(arrived([*before, action(9), *after]))
    assert state.status == ("valid" if arrives == "before" else status)


@pytest.mark.parametrize(
    ("one", "other", "decides"),
    [
        (("soft", "refused"), ("hard", "user_unknown"), "user_unknown"),
        (("hard", "user_unknown"), ("hard", "stop"), "stop"),
        (("soft", "complaint"), ("hard", "user_unknown"), "complaint"),
        (("ignored", "complaint"), ("soft", "refused"), "refused"),
        (("hard", "invalid_domain"), ("hard", "user_unknown"), "user_unknown"),
        (("soft", "mailbox_full"), ("soft", "refused"), "mailbox_full"),
    ],
)
def test_of_one_moment_the_gravest_error_decides_in_any_order(one, other, decides):
    pair = [error(0, *one), error(0, *other)]
    states = {folded(arrived(steps)) for steps in (pair, pair[::-1])}
    assert {state.reason for state in states} == {decides}
    assert len(states) == 1


def test_one_complaint_told_twice_is_one_until_an_operator_has_decided():
    def told(hours):
        return error(hours, "hard", "complaint", message=MESSAGES[0])

    twice = folded(arrived([told(0), told(1)]))
    assert (twice.status, twice.error_count) == ("denylisted", 1)
    assert folded(arrived([told(0), told(1), action(2)])).status == "valid"
    assert folded(arrived([told(0), action(2), told(1)])).status == "denylisted"


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ([action(1, "hold", "denylisted", text="a"), action(2)], "valid"),
        ([action(2), action(1, "hold", "denylisted", text="a")], "denylisted"),
        (
            [
                action(1, "hold", "denylisted", text="a"),
                action(2, "hold", "denylisted", text="b"),
                action(3, "decide", text="a"),
            ],
            "denylisted",
        ),
        (
            [
                action(1, "hold", "denylisted", text="a"),
                action(3, "decide", text="a"),
            ],
            "valid",
        ),
        (
            [action(2, "start"), action(1, "hold", "denylisted", text="a")],
            "valid",
        ),
        (
            [action(1, "start"), action(2, "hold", "denylisted", text="a")],
            "denylisted",
        ),
    ],
)
def test_an_operator_ends_the_holds_that_were_known(steps, status):
    assert folded(arrived(steps)).status == status


def test_every_permutation_of_five_errors_gives_the_same_state():
    steps = [
        error(0),
        error(23),
        error(24),
        error(60, "hard"),
        error(70, "soft", "mailbox_full"),
    ]
    states = {repr(folded(list(order))) for order in itertools.permutations(steps)}
    assert len(states) == 1


@given(st.lists(ERRORS, min_size=1, max_size=12))
def test_an_error_never_lowers_a_status_that_time_does_not(errors):
    order = ["valid", "erroneous", "quarantine", "denylisted"]
    errors = sorted(distinct(errors), key=lambda e: e.at)
    for last in range(1, len(errors)):
        before, after = folded(errors[:last]), folded(errors[: last + 1])
        assert order.index(after.status) >= order.index(before.status)


SOFT_SERIES = [
    # (hours of the soft errors, status, count)
    ([0], "erroneous", 1),
    ([0, 23.99], "erroneous", 1),
    ([0, 24], "erroneous", 2),
    ([0, 12, 24], "erroneous", 2),
    ([0, 23, 46], "erroneous", 2),
    ([0, 24, 48, 72], "erroneous", 4),
    ([0, 24, 48, 72, 96], "quarantine", 5),
    ([0, 24, 48, 72, 95.99], "erroneous", 4),
]


@pytest.mark.parametrize(("hours", "status", "count"), SOFT_SERIES)
def test_a_soft_error_counts_a_day_or_more_after_the_last_counted(hours, status, count):
    state = fold([error(at) for at in hours])
    assert (state.status, state.error_count) == (status, count)


@pytest.mark.parametrize(
    ("threshold", "interval", "hours", "status"),
    [
        (1, 24, [0], "quarantine"),
        (2, 24, [0, 23], "erroneous"),
        (2, 1, [0, 1], "quarantine"),
        (2, 1, [0, 0.9], "erroneous"),
    ],
)
def test_threshold_and_interval_come_from_the_settings(
    threshold, interval, hours, status
):
    with override_settings(
        QUARANTINE_SOFT_THRESHOLD=threshold, QUARANTINE_SOFT_INTERVAL_HOURS=interval
    ):
        assert fold([error(at) for at in hours]).status == status


@pytest.mark.parametrize(("reason", "days"), [("refused", 10), ("mailbox_full", 30)])
def test_a_pause_as_long_as_the_window_begins_a_new_count(reason, days):
    first = [error(0, reason=reason), error(24, reason=reason)]
    just_before = fold([*first, error(24 + days * 24 - 1, reason=reason)])
    exactly = fold([*first, error(24 + days * 24, reason=reason)])
    assert (just_before.error_count, exactly.error_count) == (3, 1)
    assert exactly.first_error_at == exactly.last_error_at


@pytest.mark.parametrize(("reason", "days"), [("refused", 10), ("mailbox_full", 30)])
def test_an_erroneous_address_ages_to_valid_and_others_do_not(reason, days):
    state = fold([error(0, reason=reason)])
    end = START + days * DAY
    assert aged(state, end - timedelta(seconds=1)).status == "erroneous"
    assert aged(state, end) == EntryState()
    hard = fold([error(0, "hard", reason)])
    assert aged(hard, START + 10_000 * DAY) == hard


@pytest.mark.parametrize(
    ("step", "after"),
    [
        (error(0, "soft"), "valid"),
        (error(0, "hard"), "quarantine"),
        (error(0, "soft", "complaint"), "denylisted"),
        (error(0, "hard", "stop"), "denylisted"),
        (action(0, "set", "quarantine"), "quarantine"),
        (action(0, "set", "denylisted"), "denylisted"),
        (action(0, "set", "erroneous"), "valid"),
    ],
)
def test_a_success_releases_erroneous_addresses_alone(step, after):
    assert folded([step, action(1, "success")]).status == after


def test_an_error_in_the_last_year_of_the_calendar_is_kept():
    late = error(0)
    late.at = datetime(9999, 12, 30, tzinfo=UTC)
    assert fold([late]).releases_at is None
