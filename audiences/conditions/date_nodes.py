"""Dates in nodes: their keys, check, Q and words; the node about the profile's own."""

import calendar
from datetime import UTC, date, datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy as _

from audiences import moments
from audiences.conditions.node_kinds import (
    BadCondition,
    Data,
    Moment,
    Node,
    Schema,
    register,
)

DATE_KEYS: dict[str, Schema] = {
    "before": {"type": "string", "format": "date"},
    "after": {"type": "string", "format": "date"},
    "in_last_days": {"type": "integer", "minimum": 1, "maximum": 36500},
    "more_than_days_ago": {"type": "integer", "minimum": 1, "maximum": 36500},
    "more_than_months_ago": {"type": "integer", "minimum": 1, "maximum": 1200},
}


def read_moment(text: str, path: str = "") -> datetime:
    """A date or time of a tree; a date is the midnight with which it begins."""
    try:
        moment = moments.read(text)
    except moments.OutsideCalendar as error:
        raise BadCondition(f"{path}: {text!r} is out of range.") from error
    except moments.NotOneMoment as error:
        raise BadCondition(f"{path}: {error}", plain=str(error)) from error
    if moment is None:
        raise BadCondition(
            f"{path}: {text!r} is not a date such as 2026-05-01.",
            plain=gettext("Type a date such as 2026-05-01."),
        )
    return moment.astimezone(UTC)


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last one of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = calendar.monthrange(max(year, 1), month + 1)[1]
    return date(max(year, 1), month + 1, min(day.day, last))


def _months_earlier(at: datetime, months: int) -> datetime:
    """The moment so many months earlier, by the calendar here."""
    here = timezone.localtime(at)
    day = months_before(here.date(), months)
    # Where the clocks change then, the hour may not exist: it is the one after.
    return timezone.make_aware(datetime.combine(day, here.time()))


def check_dates(data: Data, path: str) -> None:
    """The dates of a node can be read."""
    for key in ("before", "after"):
        if key in data:
            read_moment(data[key], f"{path}.{key}")


def dates_q(name: str, data: Data, moment: Moment) -> Q:
    """The rows whose date lies where the node says; `after` includes its own moment."""
    condition = Q()
    if "before" in data:
        condition &= Q(**{f"{name}__lt": read_moment(data["before"])})
    if "after" in data:
        condition &= Q(**{f"{name}__gte": read_moment(data["after"])})
    if "in_last_days" in data:
        start = moment.at - timedelta(days=data["in_last_days"])
        condition &= Q(**{f"{name}__gt": start})
    if "more_than_days_ago" in data:
        start = moment.at - timedelta(days=data["more_than_days_ago"])
        condition &= Q(**{f"{name}__lt": start})
    if "more_than_months_ago" in data:
        start = _months_earlier(moment.at, data["more_than_months_ago"])
        condition &= Q(**{f"{name}__lt": start})
    return condition


def say_dates(data: Data) -> str:
    parts = []
    if "before" in data:
        parts.append(gettext("before {date}").format(date=data["before"]))
    if "after" in data:
        parts.append(gettext("after {date}").format(date=data["after"]))
    if "in_last_days" in data:
        text = gettext("in the last {number} days")
        parts.append(text.format(number=data["in_last_days"]))
    if "more_than_days_ago" in data:
        text = gettext("more than {number} days ago")
        parts.append(text.format(number=data["more_than_days_ago"]))
    if "more_than_months_ago" in data:
        text = gettext("more than {number} months ago")
        parts.append(text.format(number=data["more_than_months_ago"]))
    return f" {gettext('and')} ".join(parts)


def _check_created(data: Data, path: str) -> None:
    if not set(data) & set(DATE_KEYS):
        raise BadCondition(
            f"{path}: created needs one of {', '.join(DATE_KEYS)}.",
            plain=gettext("Fill in at least one of these fields."),
        )
    check_dates(data, path)


register(
    Node(
        "created",
        DATE_KEYS,
        (),
        lambda data, moment: dates_q("created_at", data, moment),
        lambda data: gettext("created {when}").format(when=say_dates(data)),
        _check_created,
        label=_("When the profile was created"),
    )
)
