"""The node of conditions that compares what people have in an own field."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q, Value as Given
from django.db.models.functions import Left
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from audiences.conditions import BadCondition, Data, Moment, Node, register
from audiences.conditions.asking import LISTS, MOST_ITEMS, finish_text
from audiences.conditions.date_nodes import months_before
from audiences.models import OwnField

from .building import COUNTS, OF_TYPE, OPERATORS, asks, presets
from .definitions import NODE
from .reading import as_text, column_of, read_value
from .values import with_value

_NOTHING = ("is_empty", "is_filled")
_MOST = 36_500
_NOT = {"is_not": "is", "not_in": "in", "is_empty": "is_filled"}


def _field(slug: str) -> OwnField:
    """The field that a node speaks of; raises BadCondition when there is none."""
    field = OwnField.objects.filter(slug=slug).first()
    if field is None:
        raise BadCondition(f"there is no own field {slug!r}.")
    return field


# ------------------------------------------------------------------ what it means
def _q(data: Data, moment: Moment) -> Q:
    """Whoever has such a value; *is not* takes in those who have none."""
    field, operator = _field(data["field"]), data["operator"]
    wanted = None
    if _NOT.get(operator, operator) not in _NOTHING:
        wanted = _wanted(field, data, timezone.localdate(moment.at))
    rows = with_value(field, wanted)
    if moment.span is None:
        meant = Q(Exists(rows.filter(profile_id=OuterRef("pk"))))
    else:
        # Within a span few are found, at once, and each profile is looked up in that.
        meant = Q(pk__in=moment.within(rows).values("profile_id"))
    return ~meant if operator in _NOT else meant


def _wanted(field: OwnField, data: Data, today: date) -> Q:
    """The condition on the column that holds values of the field's type."""
    column, operator = column_of(field), str(data["operator"])
    operator = str(_NOT.get(operator, operator))
    if operator in COUNTS:
        return _RELATIVE[operator](column, today, int(data["value"]))
    if operator == "in":
        return Q(**{f"{column}__in": [_read(field, one) for one in data["value"]]})
    value: Any = _read(field, data["value"])
    if operator == "between":
        return Q(
            **{f"{column}__gte": value, f"{column}__lte": _read(field, data["to"])}
        )
    if operator == "starts_with":
        # SQLite's LIKE ignores the case of letters: the beginning is compared as well.
        start = Exact(Left(column, len(value)), Given(value))
        return Q(**{f"{column}__startswith": value}) & Q(start)
    return Q(**{f"{column}{_LOOKUPS[operator]}": value})


_LOOKUPS = {
    "is": "",
    "less_than": "__lt",
    "more_than": "__gt",
    "before": "__lt",
    "after": "__gte",
}


def _day(today: date, days: int) -> date:
    """So many days later, within the calendar."""
    number = min(max(today.toordinal() + days, 1), date.max.toordinal())
    return date.fromordinal(number)


_RELATIVE: dict[str, Callable[[str, date, int], Q]] = {
    "in_last_days": lambda column, today, number: Q(
        **{f"{column}__gt": _day(today, -number), f"{column}__lte": today}
    ),
    "in_next_days": lambda column, today, number: Q(
        **{f"{column}__gte": today, f"{column}__lt": _day(today, number)}
    ),
    "more_than_days_ago": lambda column, today, number: Q(
        **{f"{column}__lt": _day(today, -number)}
    ),
    "more_than_months_ago": lambda column, today, number: Q(
        **{f"{column}__lt": months_before(today, number)}
    ),
}


def _read(field: OwnField, given: Any) -> Any:
    """A value of a tree; numbers may be numbers of JSON. Raises ValueError."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        text = "yes" if given is True else "no" if given is False else None
        if text is None:
            raise ValueError(f"{given!r} is not a text.")
        return read_value(field, text)
    return read_value(field, str(given))


# ------------------------------------------------------------------ what is refused
def _check(data: Data, path: str) -> None:
    try:
        field = _field(data["field"])
    except BadCondition as error:
        raise BadCondition(f"{path}.field: {error}") from error
    operator = data["operator"]
    if operator not in OF_TYPE[field.type]:
        known = ", ".join(OF_TYPE[field.type])
        raise BadCondition(
            f"{path}.operator: a field of type {field.type} has {known}.",
            plain=gettext("Choose another comparison."),
        )
    if operator in _NOTHING:
        for key in ("value", "to"):
            if key in data:
                raise BadCondition(f"{path}.{key}: {operator} takes no value.")
        return
    if "to" in data and operator != "between":
        raise BadCondition(f"{path}.to: only between takes it.")
    for key in ("value", "to") if operator == "between" else ("value",):
        _check_value(field, operator, data.get(key), f"{path}.{key}")


def _check_value(field: OwnField, operator: str, value: Any, path: str) -> None:
    if value in (None, "", []):
        raise BadCondition(
            f"{path}: {operator} takes a value.", plain=gettext("Fill this in.")
        )
    if operator in COUNTS:
        text = str(value)
        is_count = text.isascii() and text.isdigit() and not isinstance(value, bool)
        if not is_count or not 1 <= int(text[:9]) <= _MOST:
            plain = gettext("Type a number from {least} to {most}.")
            raise BadCondition(
                f"{path}: {value!r} is not a whole number from 1 to {_MOST}.",
                plain=plain.format(least=1, most=_MOST),
            )
        return
    if isinstance(value, list) != (operator in LISTS):
        what = "a list of values" if operator in LISTS else "one value"
        raise BadCondition(f"{path}: {operator} takes {what}.")
    given = value if isinstance(value, list) else [value]
    if len(given) > MOST_ITEMS:
        raise BadCondition(f"{path}: more than {MOST_ITEMS} values.")
    for one in given:
        try:
            _read(field, one)
        except ValueError as error:
            said = str(error.args[0])
            raise BadCondition(f"{path}: {said}.", plain=f"{said}.") from error


# ------------------------------------------------------------------ how it reads
def _say(data: Data) -> str:
    try:
        field = _field(data["field"])
    except BadCondition:
        deleted = gettext("deleted")  # not within the f-string: xgettext reads none
        return f"{data['field']} ({deleted})"
    label, operator = field.label, data["operator"]
    if operator in COUNTS:
        number = data["value"]
        return f"{label} {gettext(_WORDS[operator]).format(number=number)}"
    words = gettext(OPERATORS[operator])
    if operator in _NOTHING:
        return f"{label} {words}"
    given = data["value"] if isinstance(data["value"], list) else [data["value"]]
    said = ", ".join(_said(field, one) for one in given)
    if operator == "between":
        said = gettext("{one} and {other}").format(
            one=said, other=_said(field, data["to"])
        )
    return f"{label} {words} {said}"


_WORDS = {
    "in_last_days": gettext_noop("is in the last {number} days"),
    "in_next_days": gettext_noop("is in the next {number} days"),
    "more_than_days_ago": gettext_noop("is more than {number} days ago"),
    "more_than_months_ago": gettext_noop("is more than {number} months ago"),
}


def _said(field: OwnField, given: Any) -> str:
    try:
        value = _read(field, given)
    except ValueError:
        return str(given)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return as_text(value)


# ------------------------------------------------------------------ how it is built
def _finish(data: dict[str, Any]) -> dict[str, Any]:
    if data.get("operator") != "between":
        data.pop("to", None)
    if data.get("operator") in _NOTHING:
        data.pop("value", None)
    return finish_text(data)


_ONE = {"type": "string", "maxLength": 1000}
_VALUE = {"anyOf": [_ONE, {"type": "number"}, {"type": "boolean"}]}
register(
    Node(
        NODE,
        {
            "field": {"type": "string"},
            "operator": {"enum": list(OPERATORS)},
            "value": {"anyOf": [*_VALUE["anyOf"], {"type": "array", "items": _VALUE}]},
            "to": _VALUE,
        },
        ("field", "operator"),
        _q,
        _say,
        _check,
        finish=_finish,
        presets=presets,
        asks=asks,
    )
)
