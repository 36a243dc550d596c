"""Nodes that hold others: all of them, any of them, not this one."""

from functools import reduce
from operator import and_, or_

from django.db.models import Q
from django.utils.translation import gettext

from audiences.conditions.registry import Data, Moment, Node, register
from audiences.conditions.trees import children, compile_node, say_node

_NODE = {"$ref": "#/$defs/node"}
_NODES = {"type": "array", "items": _NODE, "minItems": 1}


def _below(data: Data, moment: Moment) -> list[Q]:
    return [compile_node(child, moment) for child in children(data)]


def _joined(data: Data, word: str) -> str:
    parts = [say_node(child) for child in children(data)]
    return parts[0] if len(parts) == 1 else f"({f' {word} '.join(parts)})"


register(
    Node(
        "all",
        {"of": _NODES},
        ("of",),
        lambda data, moment: reduce(and_, _below(data, moment)),
        lambda data: _joined(data, gettext("and")),
    )
)
register(
    Node(
        "any",
        {"of": _NODES},
        ("of",),
        lambda data, moment: reduce(or_, _below(data, moment)),
        lambda data: _joined(data, gettext("or")),
    )
)
register(
    Node(
        "not",
        {"of": _NODE},
        ("of",),
        lambda data, moment: ~compile_node(data["of"], moment),
        lambda data: gettext("not {what}").format(what=say_node(data["of"])),
    )
)
