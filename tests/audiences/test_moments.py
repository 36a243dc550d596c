"""Dates and times that people write are read in one way."""

from datetime import UTC, date, datetime, timedelta, timezone as fixed
from typing import Any

import pytest
from django.utils import timezone

from audiences import moments


def local(*parts: int) -> datetime:
    return timezone.make_aware(datetime(*parts))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2026-05-01", lambda: local(2026, 5, 1)),
        ("2026-5-1", lambda: local(2026, 5, 1)),
        ("2026-05-01T14:30", lambda: local(2026, 5, 1, 14, 30)),
        ("2026-05-01 14:30:05", lambda: local(2026, 5, 1, 14, 30, 5)),
        (
            "2026-05-01T14:30+02:00",
            lambda: datetime(2026, 5, 1, 14, 30, tzinfo=fixed(timedelta(hours=2))),
        ),
        ("2026-05-01T14:30Z", lambda: datetime(2026, 5, 1, 14, 30, tzinfo=UTC)),
    ],
)
def test_date_or_time_is_local_unless_it_says(text: str, means: Any) -> None:
    found = moments.read(text)
    assert found == means()
    assert found is not None
    assert timezone.is_aware(found)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-02-30", "2026-13-01T00:00", "01-05-2026", "12:30"]
)
def test_anything_else_is_no_moment(text: str) -> None:
    assert moments.read(text) is None


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00+14:00", "9999-12-31T23:00:00-12:00", "0001-1-1"]
)
def test_moment_that_no_database_can_keep_is_refused(text: str) -> None:
    with (
        timezone.override("Asia/Tokyo"),
        pytest.raises(moments.OutsideCalendar, match="is outside the calendar"),
    ):
        moments.read(text)


def test_day_is_read_alone() -> None:
    assert moments.read_day("2026-05-01") == date(2026, 5, 1)
    assert moments.read_day("2026-02-30") is None
    assert moments.read_day("today") is None


def test_day_lasts_from_midnight_to_its_last_microsecond() -> None:
    # The clocks go forward on this day in Amsterdam.
    with timezone.override("Europe/Amsterdam"):
        day = date(2026, 3, 29)
        lasts = moments.last_moment(day).astimezone(UTC) - moments.midnight(day)
    assert lasts == timedelta(hours=23) - timedelta(microseconds=1)


# ------------------------------------------------------------------ clocks that change
# (zone, a local time, its two readings)
UNCERTAIN = [
    (
        "Europe/Amsterdam",
        "2026-10-25T02:30",
        ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"),
    ),
    (
        "Europe/Amsterdam",
        "2026-10-25 02:00:00",
        ("2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"),
    ),
    (
        "Europe/Amsterdam",
        "2026-03-29T02:30",
        ("2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"),
    ),
    (
        "America/New_York",
        "2026-11-01T01:59",
        ("2026-11-01T01:59:00-04:00", "2026-11-01T01:59:00-05:00"),
    ),
    (
        "Australia/Lord_Howe",  # the clocks change by half an hour
        "2026-10-04T02:15",
        ("2026-10-04T01:45:00+10:30", "2026-10-04T02:45:00+11:00"),
    ),
]


@pytest.mark.parametrize(("zone", "text", "readings"), UNCERTAIN)
def test_time_that_the_clocks_skip_or_repeat_is_refused_with_both_readings(
    zone: str, text: str, readings: tuple[str, str]
) -> None:
    with timezone.override(zone):
        with pytest.raises(moments.NotOneMoment) as refusal:
            moments.read(text)
        for reading in readings:
            assert reading in str(refusal.value)
            found = moments.read(reading)
            assert found is not None
            assert found.isoformat() == reading


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-25T01:59:59.999999",
        "2026-10-25T03:00",
        "2026-03-29T01:59:59",
        "2026-03-29T03:00",
        "2026-10-25",
        "2026-03-29",
    ],
)
def test_times_beside_the_change_are_read(text: str) -> None:
    with timezone.override("Europe/Amsterdam"):
        assert moments.read(text) is not None


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        ("Europe/Amsterdam", "2026-03-29", "2026-03-28T23:00Z", 23),
        ("Europe/Amsterdam", "2026-10-25", "2026-10-24T22:00Z", 25),
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00Z", 23),  # no midnight
        ("America/Santiago", "2026-04-04", "2026-04-04T03:00Z", 25),  # 23:00 twice
        ("America/Havana", "2026-11-01", "2026-11-01T04:00Z", 25),  # midnight twice
    ],
)
def test_a_day_is_whole_also_where_the_clocks_change_at_midnight(
    zone: str, day: str, begins: str, hours: int
) -> None:
    with timezone.override(zone):
        whole = date.fromisoformat(day)
        begin, end = moments.midnight(whole), moments.last_moment(whole)
        assert begin.astimezone(UTC) == datetime.fromisoformat(begins)
        assert moments.read(day) == begin
        lasts = end.astimezone(UTC) - begin.astimezone(UTC)
        assert lasts == timedelta(hours=hours) - datetime.resolution


# ------------------------------------------------------------------ what has happened
@pytest.mark.parametrize(
    ("ahead", "taken"),
    [
        (timedelta(days=-400), timedelta(days=-400)),
        (timedelta(0), timedelta(0)),
        (timedelta(minutes=4, seconds=50), timedelta(0)),
        (timedelta(minutes=5, seconds=1), None),
        (timedelta(days=4000), None),
    ],
)
def test_what_has_happened_does_not_lie_ahead(
    ahead: timedelta, taken: timedelta | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    if taken is None:
        with pytest.raises(moments.LiesAhead, match="lies in the future"):
            moments.happened(now + ahead)
    else:
        assert moments.happened(now + ahead) == now + taken
    assert moments.happened(None) == now


def test_a_report_happened_when_it_arrived_at_the_latest() -> None:
    arrived = datetime(2026, 5, 1, 12, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert moments.reported(arrived - hour, arrived) == arrived - hour
    assert moments.reported(arrived + hour, arrived) == arrived
    assert moments.reported(None, arrived) == arrived


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("2026-05-01T14:30Z", True),
        ("2026-05-01T14:30+02:00", True),
        ("2026-05-01T14:30", False),
        ("2026-05-01", False),
        ("9999-12-31T23:59-12:00", False),
        ("soon", False),
    ],
)
def test_a_program_says_its_zone_or_gives_no_time(text: str, is_read: bool) -> None:
    assert (moments.read_with_zone(text) is not None) == is_read
