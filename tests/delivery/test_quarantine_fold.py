"""The fold of an address's evidence, against a slow computation and in any order."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings
from hypothesis import example, given, strategies as st

from delivery.models import AddressError, QuarantineAction
from delivery.quarantine.status import EntryState, aged, fold

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def error(hours: float, type: str = "soft", reason: str = "refused") -> AddressError:
    at = START + hours * HOUR
    return AddressError(
        channel="email", key="a@b.example", at=at, type=type, reason=reason
    )


def action(hours: float, kind: str = "set", status: str = "valid") -> QuarantineAction:
    at = START + hours * HOUR
    return QuarantineAction(
        channel="email", key="a@b.example", at=at, kind=kind, status=status
    )


def oracle(steps: list) -> tuple[str, int]:  # noqa: C901 - the rules, one by one
    """Status and count, hour by hour, straight from the words of Q3 to Q5."""
    status, count, counted, release = "valid", 0, None, None
    order = {"valid": 0, "erroneous": 1, "quarantine": 2, "denylisted": 3}
    last = max((step.at for step in steps), default=START)
    hour = START
    while hour <= last:
        # Time alone makes it valid; `fold` does so only before a further step.
        more = any(
            s.at >= hour and (isinstance(s, QuarantineAction) or s.type != "ignored")
            for s in steps
        )
        if status == "erroneous" and hour >= release and more:
            status, count, counted, release = "valid", 0, None, None
        now = [s for s in steps if s.at == hour]
        for s in [
            *(s for s in now if isinstance(s, AddressError)),
            *(s for s in now if isinstance(s, QuarantineAction)),
        ]:
            if isinstance(s, QuarantineAction):
                if s.kind == "success":
                    if status == "erroneous":
                        status, count, counted, release = "valid", 0, None, None
                elif s.status == "valid":
                    status, count, counted, release = "valid", 0, None, None
                else:
                    status = s.status
                    release = s.at + 10 * DAY
                continue
            if s.type == "ignored":
                continue
            if s.reason in ("complaint", "stop"):
                new = "denylisted"
                count += 1
            elif s.type == "hard":
                new = "quarantine"
                count += 1
            else:
                counts = counted is None or s.at - counted >= DAY
                if counts:
                    count, counted = count + 1, s.at
                new = "quarantine" if counts and count >= 5 else "erroneous"
                if status in ("valid", "erroneous"):
                    until = s.at + (30 if s.reason == "mailbox_full" else 10) * DAY
                    # One that does not count never brings the release nearer.
                    held = release is not None and status == "erroneous"
                    release = max(release, until) if held and not counts else until
            if order[new] > order[status]:
                status = new
        hour += HOUR
    return status, count


WHOLE_HOURS = st.integers(0, 24 * 40)
REASONS = st.sampled_from(["refused", "mailbox_full", "complaint", "stop"])
TYPES = st.sampled_from(["soft", "soft", "soft", "soft", "hard", "ignored"])
SOFT = st.builds(
    error, WHOLE_HOURS, st.just("soft"), st.sampled_from(["refused", "mailbox_full"])
)
ERRORS = SOFT | SOFT | SOFT | st.builds(error, WHOLE_HOURS, TYPES, REASONS)
ACTIONS = st.builds(
    action,
    WHOLE_HOURS,
    st.sampled_from(["set", "success"]),
    st.sampled_from(["valid", "erroneous", "quarantine", "denylisted"]),
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
@example([error(0), error(241)], [action(240, "set", "erroneous")])
@given(st.lists(ERRORS, max_size=14), st.lists(ACTIONS, max_size=3))
def test_the_fold_is_what_the_rules_give_hour_by_hour(errors, actions):
    steps = distinct([*errors, *actions])
    state = folded(steps)
    assert (state.status, state.error_count) == oracle(steps)


@given(st.lists(ERRORS | ACTIONS, max_size=12), st.randoms())
def test_the_order_of_arrival_does_not_matter(steps, random):
    steps = distinct(steps)
    expected = folded(steps)
    random.shuffle(steps)
    assert folded(steps) == expected


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
