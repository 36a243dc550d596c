"""What an audience or a rule says about people: trees, their nodes, their words."""

from audiences.conditions.spans import Span, of_staged
from audiences.conditions.trees import (
    BadCondition,
    Data,
    Moment,
    Node,
    json_schema,
    nodes,
    register,
    sentence,
    to_q,
    validate,
    walk,
)

__all__ = [
    "BadCondition",
    "Data",
    "Moment",
    "Node",
    "Span",
    "json_schema",
    "nodes",
    "of_staged",
    "register",
    "sentence",
    "to_q",
    "validate",
    "walk",
]
