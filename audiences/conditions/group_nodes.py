"""Nodes that join others: all of them, any of them, not."""

from collections.abc import Callable
from functools import reduce
from operator import and_, or_

from django.db.models import Q
from django.utils.translation import gettext, gettext_lazy as _
from django_stubs_ext import StrPromise

from audiences.conditions.node_kinds import Data, Node, register
from audiences.conditions.trees import compile_node, say_node

_NODE = {"$ref": "#/$defs/node"}


def _group(name: str, join: Callable[[Q, Q], Q], word: "str | StrPromise") -> Node:
    """The node that joins those below it; words in between are in brackets."""

    def say(data: Data) -> str:
        parts = [say_node(child) for child in data["of"]]
        return parts[0] if len(parts) == 1 else f"({f' {word} '.join(parts)})"

    return Node(
        name,
        {"of": {"type": "array", "items": _NODE, "minItems": 1}},
        ("of",),
        lambda data, moment: reduce(
            join, (compile_node(child, moment) for child in data["of"])
        ),
        say,
    )


register(_group("all", and_, _("and")))
register(_group("any", or_, _("or")))
register(
    Node(
        "not",
        {"of": _NODE},
        ("of",),
        lambda data, moment: ~compile_node(data["of"], moment),
        lambda data: gettext("not {what}").format(what=say_node(data["of"])),
    )
)
