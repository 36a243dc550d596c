"""How a form asks for a node, where the schema of its keys does not say it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django_stubs_ext import StrPromise

# Values that a form offers, with their labels.
Options = Sequence[tuple[str, Any]]


@dataclass(frozen=True)
class Asked:
    """How a form asks for a key.

    `kind`: text, texts (a list of them), number, date, choice (one of the options),
    choices (any of them), or hidden. `by_operator` is the kind that some comparisons
    have instead; without a script a form shows what those hide as well.
    """

    kind: str
    options: Options = ()
    label: "str | StrPromise" = ""
    by_operator: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Preset:
    """A row of the form's menu in which some keys are filled in already."""

    label: "str | StrPromise"
    texts: Mapping[str, str]


# Comparisons with nothing: they ask for no value.
WITH_NOTHING = {"is_empty": "hidden", "is_filled": "hidden"}

# The key that turns round a node which holds no others: "never" needs no group.
NEGATED = "negated"


# Operators that compare with several values.
LISTS = ("in", "not_in")
MOST_ITEMS = 1000
_OF_SEVERAL = {"is": "in", "is_not": "not_in"}


def finish_text(data: dict[str, Any]) -> dict[str, Any]:
    """A form has one text: a list of them has commas, or a line for each."""
    operator, value = data.get("operator"), data.get("value")
    if operator in ("is_empty", "is_filled"):
        data.pop("value", None)
    elif isinstance(value, str) and (operator in LISTS or "\n" in value):
        data |= _listed(str(operator), value)
    return data


def _listed(operator: str, value: str) -> dict[str, Any]:
    """Several values that were typed or ticked; *is* any of several is *is one of*."""
    parts = value.splitlines() if "\n" in value else value.split(",")
    values = [part.strip() for part in parts if part.strip()]
    if operator in LISTS:
        return {"value": values}
    if len(values) > 1 and operator in _OF_SEVERAL:
        return {"operator": _OF_SEVERAL[operator], "value": values}
    return {"value": " ".join(values)}
