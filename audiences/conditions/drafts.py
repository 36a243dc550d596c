"""A condition while somebody builds it in a form: rows and texts, complete or not.

A form posts names such as `condition.0.1.key.value`: row 1 of the group that is row 0.
A draft has three kinds of groups (all, any, none of these); every other node of the
registry is a row, with a field for each key of its schema. So a node that a plug-in
registers has its row by itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audiences.conditions import trees
from audiences.conditions.node_kinds import BadCondition, Data, Node, Schema, nodes

ALL, ANY, NONE = GROUPS = ("all", "any", "none")
ADD, REMOVE, UP, DOWN = "add", "remove", "up", "down"
# No form of ours posts more.
MOST_CHILDREN = trees.MOST_NODES


@dataclass
class Draft:
    """A row: its node (or group), the texts of its keys, the rows of a group."""

    node: str
    texts: dict[str, str] = field(default_factory=dict)
    rows: list["Draft"] = field(default_factory=list)
    is_new: bool = False

    @property
    def is_group(self) -> bool:
        return self.node in GROUPS


def leaves() -> dict[str, Node]:
    """The nodes that are rows: all of the registry but those that hold others."""
    return {node.name: node for node in nodes() if not node.holds_others}


def _new(kind: str) -> "Draft | None":
    """A row of this kind: of a group, of a node, or of a preset `node:code`."""
    name, _colon, code = kind.partition(":")
    if name in GROUPS:
        return Draft(name, is_new=True)
    node = leaves().get(name)
    if node is None:
        return None
    preset = node.presets().get(code) if node.presets else None
    if code and preset is None:
        return None
    return Draft(name, dict(preset.texts) if preset else {}, is_new=True)


# ------------------------------------------------------------------ from a tree
def draft_of(tree: Any) -> Draft:
    """The draft of a valid tree; its outermost row is always a group."""
    if not tree:
        return Draft(ALL)
    draft = _draft_of(tree["condition"])
    return draft if draft.is_group else Draft(ALL, rows=[draft])


def _draft_of(data: Data) -> Draft:
    name = data["node"]
    if name == "not":
        inner = _draft_of(data["of"])
        return Draft(NONE, rows=inner.rows if inner.node == ANY else [inner])
    if name in GROUPS:
        return Draft(name, rows=[_draft_of(child) for child in data["of"]])
    texts = {key: _as_text(value) for key, value in data.items() if key != "node"}
    return Draft(name, texts)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        parts = [str(part) for part in value]
        if any("," in part for part in parts):
            return "\n".join(parts) + "\n"
        return ", ".join(parts)
    return str(value)


# ------------------------------------------------------------------ from a form
def read(data: Mapping[str, Any], name: str) -> Draft | None:
    """The draft that a form posts under a name, or None when it posts none."""
    if f"{name}.node" not in data:
        return None
    return _read(data, name, 1)


def _read(data: Mapping[str, Any], path: str, depth: int) -> Draft:
    node = str(data[f"{path}.node"])
    if leaf := leaves().get(node):
        keys = leaf.schema
        texts = {key: _posted(data, f"{path}.key.{key}") for key in keys}
        return Draft(node, texts)
    draft = Draft(node if node in GROUPS else ALL)
    if depth > trees.DEEPEST:
        return draft
    for number in range(MOST_CHILDREN):
        below = f"{path}.{number}"
        if f"{below}.node" not in data:
            break
        draft.rows.append(_read(data, below, depth + 1))
    return draft


def _posted(data: Mapping[str, Any], name: str) -> str:
    """The text of a field; of several boxes, a line for each that is ticked."""
    several = data.getlist(name) if hasattr(data, "getlist") else []
    if len(several) > 1:
        return "\n".join(map(str, several)) + "\n"
    return str(data.get(name, ""))


def act(draft: Draft, action: str, data: Mapping[str, Any], name: str) -> None:
    """Do to the draft what a button says: `add:PATH`, `remove:PATH`, `up:PATH` …

    A button of a page that is out of date does nothing.
    """
    verb, _colon, path = action.partition(":")
    numbers = _numbers(path, name)
    if verb == ADD:
        group = _at(draft, numbers)
        row = _new(str(data.get(f"{path}.add", "")))
        if group and group.is_group and row:
            group.rows.append(row)
        return
    if not numbers:
        return
    group, at = _at(draft, numbers[:-1]), numbers[-1]
    if group is None or at >= len(group.rows):
        return
    if verb == REMOVE:
        del group.rows[at]
        return
    other = at + {UP: -1, DOWN: 1}.get(verb, 0)
    if 0 <= other < len(group.rows):
        group.rows[at], group.rows[other] = group.rows[other], group.rows[at]


def at(draft: Draft, path: str, name: str) -> Draft | None:
    """The row at a path of the form, or None."""
    return _at(draft, _numbers(path, name))


def _numbers(path: str, name: str) -> list[int]:
    steps = path.removeprefix(name).strip(".")
    return [int(step) for step in steps.split(".") if step.isdigit()]


def _at(draft: Draft, numbers: list[int]) -> Draft | None:
    for number in numbers:
        if number >= len(draft.rows):
            return None
        draft = draft.rows[number]
    return draft


# ------------------------------------------------------------------ to a tree
def tree_of(draft: Draft) -> dict[str, Any] | None:
    """The tree that the draft means, still to be validated; None when it is empty."""
    if draft.is_group and not draft.rows:
        return None
    return {"version": trees.VERSION, "condition": _node_of(draft)}


def _node_of(draft: Draft) -> dict[str, Any]:
    if draft.is_group:
        rows = [_node_of(row) for row in draft.rows]
        if draft.node == NONE:
            return {"node": "not", "of": {"node": ANY, "of": rows}}
        return {"node": draft.node, "of": rows}
    node = leaves()[draft.node]
    values = {
        key: _as_value(schema, draft.texts[key].strip())
        for key, schema in node.schema.items()
        if draft.texts.get(key, "").strip()
    }
    return node.finish({"node": node.name, **values})


def _as_value(schema: Schema, text: str) -> Any:
    """The text as the schema wants it; as it is when it cannot be read so."""
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?[0-9]{1,9}", text):
        return int(text)
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text.replace("\r\n", "\n")


def is_same(first: Any, second: Any) -> bool:
    """Whether two trees are the same in a form."""
    one, other = draft_of(first), draft_of(second)
    return tree_of(one) == tree_of(other)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a draft: the path of its row, its key if any, the words."""

    path: str
    key: str
    text: str


def faults_of(draft: Draft, name: str) -> list[Fault]:
    """Every fault of a draft, where it is in the form."""
    found = trees.faults(tree_of(draft))
    return [fault_of(draft, error, name) for error in found]


def fault_of(draft: Draft, error: BadCondition, name: str) -> Fault:
    """Where in the form the fault of a tree is: rows are numbered as they are shown."""
    place, colon, words = str(error).partition(": ")
    if not colon or not place.startswith("condition"):
        return Fault(name, "", str(error))
    rest = place.removeprefix("condition")
    path = name
    while match := re.match(r"(?:\.of)?\.of\[(\d+)\]", rest):
        path, rest = f"{path}.{int(match.group(1))}", rest[match.end() :]
    key = rest.strip(".").partition("[")[0]
    key = "" if key == "of" or key.startswith("of.") else key
    return Fault(path, key or error.key, error.plain or words)


def number_of(path: str, name: str) -> str:
    """The number of a row as it is shown: 2.1 is the first row of the second."""
    steps = path.removeprefix(name).strip(".")
    return ".".join(str(int(step) + 1) for step in steps.split(".") if step)
