"""The node that compares a text of the profile: its schema, check, Q and words."""

from typing import Any

from django.db.models import Q, Value
from django.db.models.functions import Left
from django.db.models.lookups import Exact
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy as _, gettext_noop

from audiences.conditions.node_kinds import BadCondition, Data, Moment, Node, register
from audiences.conditions.trees import LONGEST_TEXT, check_text
from audiences.models import Profile

MOST_ITEMS = 1000
_TEXT = {"type": "string", "maxLength": LONGEST_TEXT}


TEXT_FIELDS = ("external_id", "first_name", "last_name", "language", "country")


TEXT_OPERATORS = {
    "is": gettext_noop("is"),
    "is_not": gettext_noop("is not"),
    "in": gettext_noop("is one of"),
    "starts_with": gettext_noop("starts with"),
    "is_empty": gettext_noop("is empty"),
    "is_filled": gettext_noop("is filled"),
}


def _label(name: str) -> str:
    return capfirst(str(Profile._meta.get_field(name).verbose_name))  # type: ignore[union-attr]


def _text_q(data: Data, moment: Moment) -> Q:
    name, operator = data["field"], data["operator"]
    value: Any = data.get("value")
    empty = Q(**{name: ""}) | Q(**{f"{name}__isnull": True})
    if operator == "is_empty":
        return empty
    if operator == "is_filled":
        return ~empty
    if operator == "in":
        return Q(**{f"{name}__in": value})
    if operator == "starts_with":
        # SQLite's LIKE ignores the case of letters: the beginning is compared as well.
        start = Exact(Left(name, len(value)), Value(value))
        return Q(**{f"{name}__startswith": value}) & Q(start)
    same = Q(**{name: value})
    return same if operator == "is" else ~same


def _check_text(data: Data, path: str) -> None:
    operator, value = data["operator"], data.get("value")
    if operator in ("is_empty", "is_filled"):
        if "value" in data:
            raise BadCondition(f"{path}.value: {operator} takes no value.")
    elif operator == "in":
        if not isinstance(value, list) or not value:
            raise BadCondition(
                f"{path}.value: in takes a list of texts.",
                plain=gettext("Fill this in."),
            )
        if len(value) > MOST_ITEMS:
            raise BadCondition(f"{path}.value: more than {MOST_ITEMS} texts.")
        for number, item in enumerate(value):
            if not isinstance(item, str):
                raise BadCondition(f"{path}.value[{number}]: {item!r} is not a text.")
            check_text(item, f"{path}.value[{number}]")
    elif not isinstance(value, str) or not value:
        raise BadCondition(
            f"{path}.value: {operator} takes a text.", plain=gettext("Fill this in.")
        )
    else:
        check_text(value, f"{path}.value")


def _say_text(data: Data) -> str:
    value = data.get("value", "")
    words = ", ".join(value) if isinstance(value, list) else value
    name = str(Profile._meta.get_field(data["field"]).verbose_name)  # type: ignore[union-attr]
    return f"{name} {gettext(TEXT_OPERATORS[data['operator']])} {words}".strip()


def _finish_text(data: dict[str, Any]) -> dict[str, Any]:
    """A form has one text: a list of them has commas, or a line for each."""
    value = data.get("value")
    if data.get("operator") in ("is_empty", "is_filled"):
        data.pop("value", None)
    elif data.get("operator") == "in" and isinstance(value, str):
        parts = value.splitlines() if "\n" in value else value.split(",")
        data["value"] = [part.strip() for part in parts if part.strip()]
    return data


register(
    Node(
        "profile",
        {
            "field": {"enum": list(TEXT_FIELDS)},
            "operator": {"enum": list(TEXT_OPERATORS)},
            "value": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
        },
        ("field", "operator"),
        _text_q,
        _say_text,
        _check_text,
        label=_("A field of the profile"),
        options={
            "field": lambda: [(name, _label(name)) for name in TEXT_FIELDS],
            "operator": lambda: [(n, gettext(t)) for n, t in TEXT_OPERATORS.items()],
        },
        finish=_finish_text,
    )
)
