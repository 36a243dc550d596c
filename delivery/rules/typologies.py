"""Typologies: which rules judge a delivery; operators' rules as objects (D5)."""

from collections.abc import Sequence
from typing import Any

from audiences import conditions
from audiences.conditions import Moment
from delivery.models import Delivery, TypologyRule, TypologyRuleUse
from delivery.rules import pressure
from delivery.rules.native import NOBODY_ASKED, Rule, registered_rules
from delivery.rules.rule_rows import Kind, typology_of


def rules_of(delivery: Delivery) -> list[Rule]:
    """The rules that judge profiles, in the order in which they decide.

    Native rules, then the typology's filtering rules, then its fatigue rules, then
    duplicates.
    """
    return in_order(judging_rows(delivery))


def judging_rows(delivery: Delivery) -> list[TypologyRule]:
    """The operators' rules that judge profiles: filtering before fatigue."""
    return judging(rows_of(delivery))


def judging(rows: Sequence[TypologyRule]) -> list[TypologyRule]:
    """Of these rules those that judge profiles: filtering before fatigue."""
    found = [row for row in rows if row.kind in (Kind.FILTERING, Kind.FATIGUE)]
    return sorted(found, key=lambda row: row.kind == Kind.FATIGUE)


def in_order(rows: Sequence[TypologyRule]) -> list[Rule]:
    """Operators' rules in their place among those of the code."""
    *first, duplicate = registered_rules()
    return [*first, *map(as_rule, rows), duplicate]


def rows_of(delivery: Delivery) -> list[TypologyRule]:
    """The active rules of a delivery's typology, in its order."""
    uses = TypologyRuleUse.objects.filter(
        typology=typology_of(delivery), rule__is_active=True
    )
    return [use.rule for use in uses.select_related("rule")]


def as_rule(row: TypologyRule) -> Rule:
    """An operator's rule as an object like every other."""
    if row.kind == Kind.FILTERING:
        tree: Any = row.condition
        return Rule(
            row.code,
            row.label,
            lambda situation: conditions.to_q(
                tree, Moment(situation.at, reach=situation.reach)
            ),
            about=conditions.sentence(tree),
        )
    return Rule(
        row.code,
        row.label,
        lambda situation: pressure.fatigued(row, situation),
        skipped_by=NOBODY_ASKED,
        about=f"got {row.maximum} messages within {row.period_days} days",
    )


def rule_ids() -> dict[str, int]:
    """The number by which an outcome names each rule."""
    return dict(TypologyRule.objects.values_list("code", "id"))
