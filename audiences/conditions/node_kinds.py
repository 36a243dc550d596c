"""The kinds of nodes: what each can hold, how it is checked, compiled and said.

`{"node": "created", "in_last_days": 7}` is a node. Each kind is one `Node`, registered
in the module of its family: groups, texts, dates, people; `delivery` adds messages.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Max, Min, Q, QuerySet
from django_stubs_ext import StrPromise

from audiences.conditions.asking import NEGATED, Asked, Options, Preset
from audiences.models import StagedProfile
from audiences.refusals import Refused
from audiences.registry import Registry
from audiences.sql.many import among

# A node as it is stored: its kind in "node", and its own keys.
Data = Mapping[str, Any]
# The part of JSON schema that describes one key.
Schema = Mapping[str, Any]


class BadCondition(Refused):
    """The tree is not right; the message names the node by its path.

    `plain` says it in the reader's language to the one who builds it in a form, where
    the row is marked; `key` is the field that it is about when the path names a node.
    """

    def __init__(self, message: str, *, plain: str = "", key: str = "") -> None:
        super().__init__(message)
        self.plain, self.key = plain, key


@dataclass(frozen=True)
class Span:
    """The profiles between two ids (included), or only those of them in `ids`.

    It is repeated on every table of a statement: no planner carries it through an outer
    join or into a subquery, and would read a table from end to end for each chunk of an
    analysis. `ids` are a queryset or some ids, for profiles that lie far apart.
    """

    low: int
    high: int
    ids: QuerySet[Any, Any] | Sequence[int] | None = None

    def between(self, name: str) -> Q:
        """The range alone, where no subquery may stand (a FilteredRelation)."""
        return Q(**{f"{name}__gte": self.low, f"{name}__lte": self.high})

    def q(self, name: str) -> Q:
        """Rows whose field `name` holds the id of a profile within the span."""
        if self.ids is None:
            return self.between(name)
        if isinstance(self.ids, QuerySet):
            return self.between(name) & Q(**{f"{name}__in": self.ids})
        return self.between(name) & among(name, self.ids)

    def within(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        """Those of the rows that are about a profile within the span."""
        return rows.filter(self.q("profile_id"))


def of_staged() -> Span | None:
    """The profiles that are staged on this connection; None when nobody is."""
    ends = StagedProfile.objects.aggregate(low=Min("id"), high=Max("id"))
    if ends["low"] is None:
        return None
    return Span(ends["low"], ends["high"], StagedProfile.objects.values("id"))


@dataclass(frozen=True)
class Moment:
    """What a condition is judged for: a moment, and the audiences being compiled.

    `span` says which profiles are judged; a node repeats it on the rows that it looks
    up (`within`).
    """

    at: datetime
    inside: tuple[str, ...] = ()
    span: Span | None = None

    def within(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        """Those of the rows that are about a profile within the span."""
        return rows if self.span is None else self.span.within(rows)


@dataclass(frozen=True)
class Node:
    """A kind of node.

    `schema` is the JSON schema of its own keys; `check` raises BadCondition for what a
    schema cannot say (its arguments are the node and its path); `to_q` compiles it;
    `say` puts it into words. The form of operators is built from these: `label` names
    the node in its menu, `options` offers values for a key, and `finish` turns what the
    form gave into the node where a schema cannot say how. `presets` are several rows
    of the menu in its place, by a code; `asks` tells, for the texts that a row has so
    far, which keys are asked for in another way. `say_not` says what is turned round.
    """

    name: str
    schema: Mapping[str, Schema]
    required: tuple[str, ...]
    to_q: Callable[[Data, Moment], Q]
    say: Callable[[Data], str]
    check: Callable[[Data, str], None] = field(default=lambda data, path: None)
    label: "str | StrPromise" = ""
    options: Mapping[str, Callable[[], Options]] = field(default_factory=dict)
    finish: Callable[[dict[str, Any]], dict[str, Any]] = field(
        default=lambda data: data
    )
    presets: Callable[[], Mapping[str, Preset]] | None = None
    asks: Callable[[Mapping[str, str]], Mapping[str, Asked]] = field(
        default=lambda texts: {}
    )
    say_not: Callable[[Data], str] | None = None

    @property
    def holds_others(self) -> bool:
        return "of" in self.schema


_NODES: Registry[str, Node] = Registry("node")


def register(node: Node) -> Node:
    """Add a kind of node; one that holds no others can be turned round."""
    if not node.holds_others:
        schema = {**node.schema, NEGATED: {"type": "boolean"}}
        node = replace(node, schema=schema)
    return _NODES.add(node.name, node)


def nodes() -> list[Node]:
    """Every kind of node, by name."""
    return sorted(_NODES.values(), key=lambda node: node.name)


def kind_of(data: Data) -> Node:
    """The kind of a valid node."""
    return _NODES[data["node"]]
