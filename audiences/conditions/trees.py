"""Condition trees: what operators say about people, from JSON to a Q and to words.

A tree is JSON with a version: `{"version": 1, "condition": NODE}`. No operator writes
SQL: `validate` checks a tree node by node, `to_q` makes one Q on profiles of it, and
`sentence` puts it into words. docs/conditions.md shows every node; `condition_schema`
prints the JSON schema.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext

from audiences.conditions.asking import NEGATED
from audiences.conditions.node_kinds import (
    BadCondition,
    Data,
    Moment,
    Node,
    Schema,
    kind_of,
    nodes,
)

Tree = Mapping[str, Any]

VERSION = 1
DEEPEST = 20
MOST_NODES = 200
LONGEST_TEXT = 1000


def validate(tree: Any) -> None:
    """Raise BadCondition, naming the node, unless the tree can be compiled."""
    if not isinstance(tree, dict):
        raise BadCondition("The condition must be a JSON object.")
    unknown = set(tree) - {"version", "condition"}
    if "node" in unknown and "condition" not in tree:
        raise BadCondition('Write {"version": 1, "condition": …} around the nodes.')
    if unknown:
        raise BadCondition(f"Unknown key: {', '.join(sorted(unknown))}.")
    version = tree.get("version")
    if version != VERSION or isinstance(version, bool):
        raise BadCondition(f'"version" must be {VERSION}.')
    if "condition" not in tree:
        raise BadCondition('"condition" is missing.')
    _validate(tree["condition"], "condition", 1)


def faults(tree: Any) -> list[BadCondition]:
    """What is wrong with a tree: the first fault of every node, in their order."""
    try:
        validate(tree)
    except BadCondition as first:
        whole = tree.get("condition") if isinstance(tree, dict) else None
        # Too deep, too many: no single node is to blame.
        return list(_faults(whole, "condition")) or [first]
    return []


def _faults(data: Any, path: str) -> Iterator[BadCondition]:
    kinds = {node.name for node in nodes()}
    if not isinstance(data, dict) or data.get("node") not in kinds:
        return
    node = kind_of(data)
    try:
        _check_keys(node, data, path)
        node.check(data, path)
    except BadCondition as fault:
        yield fault
    for below, child in _below(data, path):
        yield from _faults(child, below)


def _below(data: Data, path: str) -> list[tuple[str, Any]]:
    """The nodes directly below one, with their paths."""
    if isinstance(data.get("of"), list):
        return [(f"{path}.of[{at}]", child) for at, child in enumerate(data["of"])]
    return [(f"{path}.of", child) for child in children(data)]


def _validate(data: Any, path: str, depth: int) -> int:
    """Validate one node and those below it; returns how many there are."""
    if depth > DEEPEST:
        raise BadCondition(f"{path}: deeper than {DEEPEST} nodes.")
    if not isinstance(data, dict) or "node" not in data:
        raise BadCondition(f'{path}: a node is an object with the key "node".')
    known = [node.name for node in nodes()]
    if data["node"] not in known:
        listed = ", ".join(known)
        raise BadCondition(f"{path}.node: {data['node']!r} is not one of {listed}.")
    node = kind_of(data)
    _check_keys(node, data, path)
    node.check(data, path)
    count = 1
    for below, child in _below(data, path):
        count += _validate(child, below, depth + 1)
        if count > MOST_NODES:
            raise BadCondition(f"The tree has more than {MOST_NODES} nodes.")
    return count


def _check_keys(node: Node, data: Data, path: str) -> None:
    for name in node.required:
        if name not in data:
            raise BadCondition(
                f'{path}: {node.name} needs "{name}".',
                plain=gettext("Fill this in."),
                key=name,
            )
    for name, value in data.items():
        if name == "node":
            continue
        if name not in node.schema:
            known = ", ".join(node.schema)
            raise BadCondition(f"{path}.{name}: unknown; {node.name} has {known}.")
        _check_value(node.schema[name], value, f"{path}.{name}")


_TYPES: dict[str, tuple[type, str]] = {
    "string": (str, "a text"),
    "integer": (int, "a whole number"),
    "array": (list, "a list"),
    "boolean": (bool, "true or false"),
}


def _check_value(schema: Schema, value: Any, path: str) -> None:
    """The part of JSON schema that our nodes use."""
    if "enum" in schema:
        if value not in schema["enum"]:
            known = ", ".join(schema["enum"])
            raise BadCondition(f"{path}: {value!r} is not one of {known}.")
        return
    if "$ref" in schema and not isinstance(value, dict):
        raise BadCondition(f"{path}: a node is an object, not a list or a value.")
    if "type" not in schema:
        return
    wanted, words = _TYPES[schema["type"]]
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        plain = gettext("Type a whole number.") if wanted is int else ""
        raise BadCondition(f"{path}: {value!r} is not {words}.", plain=plain)
    least, most = schema.get("minimum", 0), schema.get("maximum", 10**6)
    if wanted is int and not least <= value <= most:
        plain = gettext("Type a number from {least} to {most}.")
        raise BadCondition(
            f"{path}: {value} is out of range.",
            plain=plain.format(least=least, most=most),
        )
    if isinstance(value, str):
        check_text(value, path)
    if wanted in (str, list) and not value and schema.get("minItems", 1):
        plain = gettext("It is empty: fill it in, or remove the row.")
        raise BadCondition(f"{path}: it is empty.", plain=plain)


def check_text(value: str, path: str) -> None:
    """Raise BadCondition for a text that not every database can compare."""
    if "\x00" in value:
        raise BadCondition(f"{path}: it contains a NUL character.")
    if len(value) > LONGEST_TEXT:
        raise BadCondition(f"{path}: longer than {LONGEST_TEXT} characters.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise BadCondition(f"{path}: it contains half a character (a surrogate).")


def children(data: Data) -> list[Any]:
    """The nodes directly below one."""
    below = data.get("of", [])
    return below if isinstance(below, list) else [below]


def walk(tree: Tree) -> list[Data]:
    """Every node of a valid tree."""
    found, waiting = [], [tree["condition"]]
    while waiting:
        data = waiting.pop()
        found.append(data)
        waiting += children(data)
    return found


def to_q(tree: Tree, moment: Moment) -> Q:
    """The condition on profiles that a valid tree means at a moment."""
    return compile_node(tree["condition"], moment)


def compile_node(data: Data, moment: Moment) -> Q:
    meant = kind_of(data).to_q(data, moment)
    return ~meant if data.get(NEGATED) else meant


def sentence(tree: Tree) -> str:
    """The tree in words: "(language is nl and subscribed to Weekly)"."""
    return say_node(tree["condition"])


def say_node(data: Data) -> str:
    kind = kind_of(data)
    if not data.get(NEGATED):
        return kind.say(data)
    if kind.say_not:
        return kind.say_not(data)
    return gettext("not {what}").format(what=kind.say(data))


def json_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of a tree, for editors and other programs."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Campaign condition",
        "type": "object",
        "properties": {
            "version": {"const": VERSION},
            "condition": {"$ref": "#/$defs/node"},
        },
        "required": ["version", "condition"],
        "additionalProperties": False,
        "$defs": {
            "node": {"oneOf": [{"$ref": f"#/$defs/{n.name}"} for n in nodes()]},
            **{
                node.name: {
                    "type": "object",
                    "properties": {"node": {"const": node.name}, **node.schema},
                    "required": ["node", *node.required],
                    "additionalProperties": False,
                }
                for node in nodes()
            },
        },
    }
