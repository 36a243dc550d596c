"""Dates and times that people write: in commands, files, conditions and forms."""

from datetime import UTC, date, datetime, time

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from audiences.refusals import Refused


class OutsideCalendar(Refused):
    """No database can keep the moment: in UTC it is before year 1 or past 9999."""


def read(text: str) -> datetime | None:
    """A date or a time (ISO 8601), local unless it says; a date is its midnight.

    None for anything else. Raises OutsideCalendar.
    """
    try:
        at = parse_datetime(text)
    except ValueError:
        return None
    if at is None and (day := read_day(text)):
        at = midnight(day)
    if at is not None:
        at = at if timezone.is_aware(at) else timezone.make_aware(at)
        in_calendar(at)
    return at


def read_day(text: str) -> date | None:
    """A day (ISO 8601), or None for anything else."""
    try:
        return parse_date(text)
    except ValueError:
        return None


def midnight(day: date) -> datetime:
    """The moment with which a day begins here."""
    return timezone.make_aware(datetime.combine(day, time.min))


def last_moment(day: date) -> datetime:
    """The moment with which a day ends here."""
    return timezone.make_aware(datetime.combine(day, time.max))


def in_calendar(at: datetime) -> datetime:
    """The moment in UTC. Raises OutsideCalendar."""
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise OutsideCalendar(f"{at.isoformat()} is outside the calendar.") from error
