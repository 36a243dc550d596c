"""Dates and times from outside: in commands, files, conditions, forms and reports.

Three rules, each said here once:

- a time without a zone is local; where the clocks change it may not exist, or exist
  twice, and is then refused with both readings (`NotOneMoment`), never guessed;
- what somebody says has happened lies at most `LEEWAY` ahead, or is refused
  (`LiesAhead`); what is less ahead, by a clock that is merely off, happened now;
- a report that a machine sent is never refused for its date, for what it reports would
  be lost: it happened when it arrived, at the latest (`reported`).
"""

from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from audiences.refusals import Refused

# How far a clock that somebody trusts may be off.
LEEWAY = timedelta(minutes=5)


class BadMoment(Refused):
    """It looks like a date or a time, but cannot be taken as one."""


class OutsideCalendar(BadMoment):
    """No database can keep the moment: in UTC it is before year 1 or past 9999."""


class NotOneMoment(BadMoment):
    """The clocks change: the local time does not exist, or exists twice."""


class LiesAhead(BadMoment):
    """It is said to have happened, and lies in the future."""


# ------------------------------------------------------------------ what people write
def read(text: str) -> datetime | None:
    """A date or a time (ISO 8601), local unless it says; a date is its midnight.

    None for anything else. Raises OutsideCalendar and NotOneMoment.
    """
    day = read_day(text)
    try:
        at = midnight(day) if day else parse_datetime(text)
    except ValueError:
        return None
    if at is not None:
        at = at if timezone.is_aware(at) else local(at)
        in_calendar(at)
    return at


def read_with_zone(text: str) -> datetime | None:
    """A time (ISO 8601) that says its zone, as programs write it.

    None for anything else, also for what no database can keep.
    """
    try:
        at = parse_datetime(text)
        return in_calendar(at) if at is not None and timezone.is_aware(at) else None
    except (ValueError, OutsideCalendar):
        return None


def read_day(text: str) -> date | None:
    """A day (ISO 8601), or None for anything else."""
    try:
        return parse_date(text)
    except ValueError:
        return None


def local(naive: datetime) -> datetime:
    """The moment at which the clocks here show this time. Raises NotOneMoment."""
    zone = timezone.get_current_timezone()
    one, other = (naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if one.utcoffset() == other.utcoffset():
        return one
    readings = sorted(in_calendar(at) for at in (one, other))
    earlier, later = (at.astimezone(zone).isoformat() for at in readings)
    exists = readings[0].astimezone(zone).replace(tzinfo=None) == naive
    problem = (
        _("{time} comes twice in {zone}: write {earlier} or {later}.")
        if exists
        else _("{time} does not exist in {zone}: write {earlier} or {later}.")
    )
    raise NotOneMoment(
        problem.format(
            time=naive.isoformat(),
            zone=timezone.get_current_timezone_name(),
            earlier=earlier,
            later=later,
        )
    )


def midnight(day: date) -> datetime:
    """The moment with which a day begins here, also where the clocks change then."""
    return timezone.make_aware(datetime.combine(day, time.min))


def last_moment(day: date) -> datetime:
    """The moment with which a day ends here."""
    if day == date.max:
        return timezone.make_aware(datetime.combine(day, time.max))
    end = midnight(day + timedelta(days=1)).astimezone(UTC) - datetime.resolution
    return timezone.localtime(end)


def in_calendar(at: datetime) -> datetime:
    """The moment in UTC. Raises OutsideCalendar."""
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise OutsideCalendar(
            _("{time} is outside the calendar.").format(time=at.isoformat())
        ) from error


# ------------------------------------------------------------------ what has happened
def happened(at: datetime | None) -> datetime:
    """When something happened that somebody tells us of, in UTC; now without a time.

    Never later than now: a clock may be off by `LEEWAY`. Raises LiesAhead beyond that,
    and OutsideCalendar.
    """
    now = timezone.now()
    if at is None:
        return now
    moment = in_calendar(at)
    if moment > now + LEEWAY:
        raise LiesAhead(
            _("{time} lies in the future: give the time at which it happened.").format(
                time=at.isoformat(timespec="seconds")
            )
        )
    return min(moment, now)


def reported(at: datetime | None, arrived: datetime) -> datetime:
    """When something happened that a report tells us of: not after it arrived."""
    return arrived if at is None else min(at, arrived)
