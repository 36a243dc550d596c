"""Dates in nodes: their keys, check, Q and words; the node about the profile's own."""

from datetime import UTC, datetime, timedelta

from django.db.models import Q
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
