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
