"""The node that compares a text of the profile: its schema, check, Q and words."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, Value
from django.db.models.functions import Left
from django.db.models.lookups import Exact
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy as _, gettext_noop

from audiences.conditions.asking import (
    LISTS,
    MOST_ITEMS,
    NEGATED,
    WITH_NOTHING,
    Asked,
    Preset,
    finish_text,
)
from audiences.conditions.node_kinds import BadCondition, Data, Moment, Node, register
from audiences.conditions.trees import LONGEST_TEXT, check_text
from audiences.models import Profile
from audiences.wording import names

_TEXT = {"type": "string", "maxLength": LONGEST_TEXT}


TEXT_FIELDS = ("external_id", "first_name", "last_name", "language", "country")


TEXT_OPERATORS = {
    "is": gettext_noop("is"),
    "is_not": gettext_noop("is not"),
    "in": gettext_noop("is one of"),
    "not_in": gettext_noop("is none of"),
    "starts_with": gettext_noop("starts with"),
    "is_empty": gettext_noop("is empty"),
    "is_filled": gettext_noop("is filled"),
}


_OFFERED = {"language": names.languages, "country": names.countries}


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
    if operator in LISTS:
        among = Q(**{f"{name}__in": value})
        return among if operator == "in" else ~among
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
    elif operator in LISTS:
        if not isinstance(value, list) or not value:
            raise BadCondition(
                f"{path}.value: {operator} takes a list of texts.",
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
    given = value if isinstance(value, list) else [value]
    offered = _OFFERED.get(data["field"])
    named = dict(offered()) if offered else {}
    words = ", ".join(str(named.get(one, one)) for one in given)
    name = str(Profile._meta.get_field(data["field"]).verbose_name)  # type: ignore[union-attr]
    return f"{name} {gettext(TEXT_OPERATORS[data['operator']])} {words}".strip()


def _presets() -> dict[str, Preset]:
    """A row of the menu for each field."""
    return {name: Preset(_label(name), {"field": name}) for name in TEXT_FIELDS}


def _asks(texts: Mapping[str, str]) -> dict[str, Asked]:
    """Languages and countries are chosen, and not typed."""
    name = texts.get("field", "")
    asked = {}
    if name in TEXT_FIELDS:
        asked["field"] = Asked("hidden", [(name, _label(name))])
    if not texts.get(NEGATED):
        asked[NEGATED] = Asked("hidden")
    asked["value"] = Asked("texts", by_operator=WITH_NOTHING)
    if name in _OFFERED:
        offered = _OFFERED[name]()
        asked["value"] = Asked("choices", offered, by_operator=WITH_NOTHING)
        operators = [o for o in TEXT_OPERATORS if o != "starts_with"]
        if texts.get("operator") != "starts_with":
            said = [(o, gettext(TEXT_OPERATORS[o])) for o in operators]
            asked["operator"] = Asked("choice", said)
    return asked


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
        finish=finish_text,
        presets=_presets,
        asks=_asks,
    )
)
