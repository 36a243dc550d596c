"""What an audience or a rule says about people: trees, their nodes, their words."""

from audiences.conditions.node_kinds import (
    BadCondition,
    Data,
    Moment,
    Node,
    Span,
    nodes,
    of_staged,
    register,
)
from audiences.conditions.trees import (
    VERSION,
    Tree,
    json_schema,
    sentence,
    to_q,
    validate,
    walk,
)

__all__ = [
    "VERSION",
    "BadCondition",
    "Data",
    "Moment",
    "Node",
    "Span",
    "Tree",
    "json_schema",
    "nodes",
    "of_staged",
    "register",
    "sentence",
    "to_q",
    "validate",
    "walk",
]
