"""How a form asks for a condition on an own field: by the type of the field."""

from collections.abc import Mapping

from django.utils.translation import gettext, gettext_noop

from audiences.conditions.asking import (
    LISTS,
    NEGATED,
    WITH_NOTHING,
    Asked,
    Options,
    Preset,
)
from audiences.models import OwnField

from .definitions import all_fields

Type = OwnField.Type
OPERATORS = {
    "is": gettext_noop("is"),
    "is_not": gettext_noop("is not"),
    "in": gettext_noop("is one of"),
    "not_in": gettext_noop("is none of"),
    "starts_with": gettext_noop("starts with"),
    "less_than": gettext_noop("is less than"),
    "more_than": gettext_noop("is more than"),
    "between": gettext_noop("is between"),
    "before": gettext_noop("is before"),
    "after": gettext_noop("is on or after"),
    "in_last_days": gettext_noop("is in the last … days"),
    "in_next_days": gettext_noop("is in the next … days"),
    "more_than_days_ago": gettext_noop("is more than … days ago"),
    "more_than_months_ago": gettext_noop("is more than … months ago"),
    "is_empty": gettext_noop("is empty"),
    "is_filled": gettext_noop("is filled"),
}
_ALWAYS = ("is", "is_not", "is_empty", "is_filled")
OF_TYPE: dict[str, tuple[str, ...]] = {
    Type.TEXT: ("is", "is_not", *LISTS, "starts_with", "is_empty", "is_filled"),
    Type.CHOICE: ("is", "is_not", *LISTS, "is_empty", "is_filled"),
    Type.NUMBER: (*_ALWAYS, "less_than", "more_than", "between"),
    Type.DATE: (
        *(*_ALWAYS, "before", "after", "between", "in_last_days", "in_next_days"),
        *("more_than_days_ago", "more_than_months_ago"),
    ),
    Type.YES_NO: _ALWAYS,
}


def presets() -> dict[str, Preset]:
    """Every own field is a row of the menu."""
    return {
        field.slug: Preset(
            gettext("Own field: {label}").format(label=field.label),
            {"field": field.slug},
        )
        for field in all_fields()
    }


def asks(texts: Mapping[str, str]) -> dict[str, Asked]:
    """What a row asks for depends on the type of its field."""
    asked = {"field": Asked("hidden")}
    if not texts.get(NEGATED):
        asked[NEGATED] = Asked("hidden")
    field = OwnField.objects.filter(slug=texts.get("field", "")).first()
    if field is None:
        return {"field": Asked("choice", [(f.slug, f.label) for f in all_fields()])}
    operators = OF_TYPE[field.type]
    said = [(name, gettext(OPERATORS[name])) for name in operators]
    asked["operator"] = Asked("choice", said)
    kind, options = _VALUES[Type(field.type)], _choices(field)
    numbers = {name: "number" for name in COUNTS if name in operators}
    others = {**WITH_NOTHING, **numbers}
    asked["value"] = Asked(kind, options, by_operator=others)
    if "between" in operators:
        alone = {name: "hidden" for name in ["", *operators] if name != "between"}
        asked["to"] = Asked(kind, label=gettext("And"), by_operator=alone)
    else:
        asked["to"] = Asked("hidden")
    return asked


# What is counted in days or months stands in the place of a date.
COUNTS = ("in_last_days", "in_next_days", "more_than_days_ago", "more_than_months_ago")
_VALUES = {
    Type.TEXT: "texts",
    Type.CHOICE: "choices",
    Type.NUMBER: "text",
    Type.DATE: "date",
    Type.YES_NO: "choice",
}


def _choices(field: OwnField) -> Options:
    if field.type == Type.YES_NO:
        return [("yes", gettext("Yes")), ("no", gettext("No"))]
    return [(choice, choice) for choice in field.choices]
