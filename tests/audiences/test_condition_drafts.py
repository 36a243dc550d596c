"""Conditions that are built in a form: the same tree comes back, faults have a row."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models import Q

from audiences import conditions
from audiences.admin.condition_forms import ConditionField, said
from audiences.conditions import BadCondition, Node, drafts
from audiences.conditions.drafts import Draft, draft_of, tree_of
from audiences.conditions.node_kinds import _NODES

NL = {"node": "profile", "field": "language", "operator": "is", "value": "nl"}
OUT = {"node": "opted_out", "channel": "email"}


def _tree(node: Any) -> dict[str, Any]:
    return {"version": 1, "condition": node}


def _posted(draft: Draft, path: str = "condition") -> dict[str, str]:
    """What a browser posts of the form that shows a draft."""
    data = {f"{path}.node": draft.node}
    data |= {f"{path}.key.{key}": text for key, text in draft.texts.items()}
    for number, row in enumerate(draft.rows):
        data |= _posted(row, f"{path}.{number}")
    return data


@pytest.mark.parametrize(
    ("node", "back"),
    [
        ({"node": "all", "of": [NL, OUT]}, None),
        ({"node": "any", "of": [NL, {"node": "all", "of": [OUT]}]}, None),
        (NL, {"node": "all", "of": [NL]}),
        ({"node": "not", "of": {"node": "any", "of": [NL, OUT]}}, None),
        (
            {"node": "all", "of": [{"node": "not", "of": OUT}]},
            {
                "node": "all",
                "of": [{"node": "not", "of": {"node": "any", "of": [OUT]}}],
            },
        ),
        (
            {
                "node": "all",
                "of": [
                    {**NL, "operator": "in", "value": ["nl", "de, at"]},
                    {"node": "profile", "field": "country", "operator": "is_empty"},
                    {"node": "address", "channel": "email", "valid": False},
                    {"node": "created", "after": "2026-05-01", "in_last_days": 7},
                    {"node": "message", "channel": "sms", "at_least": 3},
                ],
            },
            None,
        ),
    ],
)
def test_tree_survives_the_form(node: Any, back: Any) -> None:
    posted = drafts.read(_posted(draft_of(_tree(node))), "condition")
    assert posted
    assert tree_of(posted) == _tree(back or node)


@pytest.mark.parametrize(
    ("action", "more", "rows"),
    [
        ("add:condition", {"condition.add": "created"}, "a b c created"),
        ("add:condition", {"condition.add": "any"}, "a b c any"),
        ("add:condition", {"condition.add": "nonsense"}, "a b c"),
        ("add:condition.0", {"condition.0.add": "created"}, "a b c"),
        ("add:condition.7", {"condition.7.add": "created"}, "a b c"),
        ("remove:condition.1", {}, "a c"),
        ("up:condition.2", {}, "a c b"),
        ("up:condition.0", {}, "a b c"),
        ("down:condition.0", {}, "b a c"),
        ("remove:condition.9", {}, "a b c"),
        ("remove:condition", {}, "a b c"),
        ("nonsense", {}, "a b c"),
    ],
)
def test_buttons(action: str, more: dict[str, str], rows: str) -> None:
    draft = Draft("all", rows=[Draft("opted_out", {"channel": x}) for x in "abc"])
    drafts.act(draft, action, more, "condition")
    shown = [row.texts.get("channel", row.node) for row in draft.rows]
    assert " ".join(shown) == rows


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (
            {"node": "all", "of": [NL, {"node": "opted_out"}]},
            "Row 2, Channel: Fill this in",
        ),
        (
            {
                "node": "all",
                "of": [
                    {"node": "not", "of": {"node": "any", "of": [{**NL, "field": "x"}]}}
                ],
            },
            "Row 1.1, Field: 'x' is not one of",
        ),
        (
            {"node": "all", "of": [OUT, {"node": "created", "before": "tomorrow"}]},
            "Row 2, Before: Type a date such as",
        ),
        (
            {"node": "all", "of": [OUT, {"node": "any", "of": []}]},
            "Row 2: It is empty: fill it in",
        ),
        (
            {"node": "all", "of": [{"node": "opted_out"}]},
            "Row 1, Channel: Fill this in",
        ),
        (
            {"node": "all", "of": [OUT, {"node": "created"}]},
            "Row 2: Fill in at least one of these fields",
        ),
        (
            {"node": "all", "of": [{"node": "created", "in_last_days": -4}]},
            r"Row 1, In the last … days: Type a number from 1 to \d+\.",
        ),
        (
            {"node": "all", "of": [{"node": "message", "at_least": "two"}]},
            "Row 1, At least this many times: Type a whole number",
        ),
    ],
)
def test_fault_names_its_row_and_field(node: Any, words: str) -> None:
    draft = draft_of(_tree(node))
    with pytest.raises(BadCondition) as error:
        conditions.validate(tree_of(draft))
    fault = drafts.fault_of(draft, error.value, "condition")
    assert re.match(words, said(fault)), said(fault)


def test_form_cannot_be_made_deep_or_wrong(db: None) -> None:
    path, data = "condition", {"condition.node": "nonsense"}
    for _number in range(60):
        path += ".0"
        data[f"{path}.node"] = "any"
    draft = drafts.read(data, "condition")
    assert draft
    assert draft.node == "all"
    field = ConditionField()
    with pytest.raises(Exception, match=r"deeper|empty"):
        field.clean(draft)


@pytest.fixture
def shoe_size() -> Iterator[Node]:
    node = conditions.register(
        Node(
            "shoe_size",
            {"at_least": {"type": "integer", "minimum": 1, "maximum": 60}},
            ("at_least",),
            lambda data, moment: Q(pk__gt=0),
            lambda data: f"shoe size {data['at_least']} or more",
        )
    )
    yield node
    del _NODES["shoe_size"]


def test_node_of_a_plug_in_has_its_row_by_itself(shoe_size: Node, db: None) -> None:
    data = {
        "condition.node": "all",
        "condition.0.node": "shoe_size",
        "condition.0.key.at_least": "44",
    }
    field = ConditionField()
    draft = field.widget.value_from_datadict(data, {}, "condition")
    assert field.clean(draft) == _tree(
        {"node": "all", "of": [{"node": "shoe_size", "at_least": 44}]}
    )
    html = field.widget.render("condition", draft)
    assert 'type="number" name="condition.0.key.at_least"' in html
    assert ">Shoe size<" in html
