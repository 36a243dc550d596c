"""The rows of a condition as the template of the builder needs them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from audiences.conditions import Node, drafts
from audiences.conditions.asking import NEGATED
from audiences.conditions.drafts import Draft, Fault
from audiences.console.pages import Facts

# More choices than these are a list, fewer are boxes.
MOST_BOXES = 12
KEYS = {
    "at_least": _("At least this many times"),
    "before": _("Before"),
    "more_than_days_ago": _("More than … days ago"),
    "more_than_months_ago": _("More than … months ago"),
    "negated": _("Holds"),
    "tag": _("Tag"),
    "to": _("And"),
    "after": _("On or after"),
    "channel": _("Channel"),
    "delivery": _("Delivery"),
    "domain": _("Domain"),
    "field": _("Field"),
    "in_last_days": _("In the last … days"),
    "name": _("Name"),
    "operator": _("Comparison"),
    "service": _("Service"),
    "status": _("Status"),
    "valid": _("Valid"),
    "value": _("Value"),
}


def label_of(node: Node) -> str:
    return str(node.label) or node.name.replace("_", " ").capitalize()


def menu() -> list[tuple[str, str]]:
    """What can be added: a node, or its presets in its place, by label."""
    found: list[tuple[str, str]] = []
    for node in drafts.leaves().values():
        if node.presets:
            presets = node.presets()
            found += [(f"{node.name}:{c}", str(p.label)) for c, p in presets.items()]
        else:
            found.append((node.name, label_of(node)))
    return sorted(found, key=lambda entry: entry[1].casefold())


def _row_label(node: Node, texts: Mapping[str, str]) -> str:
    """That of the preset that the row was made with, else that of its node."""
    for preset in node.presets().values() if node.presets else ():
        if all(texts.get(key) == text for key, text in preset.texts.items()):
            return str(preset.label)
    return label_of(node)


def key_label(key: str) -> str:
    return str(KEYS.get(key) or key.replace("_", " ").capitalize())


def row_of(
    draft: Draft, path: str, name: str, faults: Sequence[Fault], last: bool = True
) -> Facts:
    """What the template needs of a row: a group has rows, a leaf a label and fields."""
    number = drafts.number_of(path, name)
    here = next((fault for fault in faults if fault.path == path), None)
    row: Facts = {
        "path": path,
        "name": draft.node,
        "number": number,
        "is_group": draft.is_group,
        "is_outermost": path == name,
        "is_new": draft.is_new,
        "is_first": path.endswith(".0"),
        "is_last": last,
        "fault": here.text if here and not here.key else "",
        "is_faulty": here is not None,
    }
    if draft.is_group:
        count = len(draft.rows)
        row["rows"] = [
            row_of(child, f"{path}.{at}", name, faults, at == count - 1)
            for at, child in enumerate(draft.rows)
        ]
        return row
    node = drafts.leaves()[draft.node]
    row["label"] = _row_label(node, draft.texts)
    row["fields"] = [
        _field(
            node,
            key,
            f"{path}.key.{key}",
            draft.texts,
            here.text if here and here.key == key else "",
        )
        # Whether it holds at all is asked first.
        for key in sorted(node.schema, key=lambda key: key != NEGATED)
    ]
    if here and here.key and not any(f["fault"] for f in _shown(row["fields"])):
        # The field is not asked for: the row says it.
        row["fault"] = here.text
    # Where one goes on after a row was added: "not" is seldom what comes first.
    open_ = _shown(row["fields"])
    named = [f for f in open_ if not f["name"].endswith(f".{NEGATED}")]
    for field in (named or open_)[:1]:
        field["is_first"] = draft.is_new
    return row


def _shown(fields: list[Facts]) -> list[Facts]:
    return [field for field in fields if field["kind"] != "hidden"]


def anchor_of(draft: Draft, fault: Fault, name: str) -> str:
    """The id of what a fault is about: the field of its row, else the row."""
    row = drafts.at(draft, fault.path, name)
    if row is None:
        return name
    if fault.key and not row.is_group:
        node = drafts.leaves()[row.node]
        asked = node.asks(row.texts).get(fault.key)
        if fault.key in node.schema and not (asked and asked.kind == "hidden"):
            return f"{fault.path}.key.{fault.key}"
    return fault.path


def _field(
    node: Node, key: str, name: str, texts: Mapping[str, str], fault: str
) -> Facts:
    """What the template needs of a field of a row; `kind` is how it is filled in."""
    schema, text, asked = (
        node.schema[key],
        texts.get(key, ""),
        node.asks(texts).get(key),
    )
    kind, choices = _kind(node, key, text)
    by_operator: dict[str, str] = {}
    if asked:
        kind, choices = asked.kind, list(asked.options)
        by_operator = dict(asked.by_operator)
        chosen = by_operator.get(texts.get("operator", ""), kind)
        by_operator = {**by_operator, "*": kind} if by_operator else {}
        kind = kind if chosen == "hidden" else chosen
    known = {str(value) for value, _label in choices}
    given = [text]
    if kind == "choices":
        given = [line.strip() for line in _values(text)]
    if kind in ("choice", "choices"):
        choices += [(value, value) for value in given if value and value not in known]
    return {
        "name": name,
        "label": (asked and asked.label) or key_label(key),
        "kind": kind,
        "choices": choices,
        "is_long": len(choices) > MOST_BOXES,
        "given": given,
        "text": text,
        "by_operator": json.dumps(by_operator) if by_operator else "",
        "nothing": _("It is so") if key == NEGATED else "",
        "needed": key in node.required,
        "fault": fault,
        "minimum": schema.get("minimum", 0),
        "maximum": schema.get("maximum", ""),
    }


def _values(text: str) -> list[str]:
    return text.splitlines() if "\n" in text else text.split(", ")


def _kind(node: Node, key: str, text: str) -> tuple[str, list[tuple[str, Any]]]:
    """How a key is filled in by its schema, and from which choices."""
    schema = node.schema[key]
    kind = "text"
    choices: list[tuple[str, Any]] = []
    if key == NEGATED:
        choices = [("true", _("It is not so"))]
    elif key in node.options:
        choices = list(node.options[key]())
    elif "enum" in schema:
        choices = [(v, str(v).replace("_", " ").capitalize()) for v in schema["enum"]]
    elif schema.get("type") == "boolean":
        choices = [("true", _("Yes")), ("false", _("No"))]
    elif schema.get("type") == "integer":
        kind = "number"
    elif "anyOf" in schema:
        kind = "texts"
    elif schema.get("format") == "date" and len(text) in (0, len("2026-05-01")):
        kind = "date"
    if choices or key in node.options:
        kind = "choice"
    return kind, choices
