"""Typologies: which rules judge a delivery; operators' rules as objects (D5)."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet

from audiences import conditions
from audiences.refusals import Refused
from delivery.models import Typology, TypologyRule
from delivery.rules import fatigue
from delivery.rules.rule import NOBODY_ASKED, OwnRule, Rule, own_rule, registered_rules
from delivery.rules.writing import Kind, default_typology

# The kinds of operators' rules that judge people, in the order in which they do.
JUDGING = (Kind.FILTERING, Kind.FATIGUE)


class NoSuchTypology(Refused):
    """No typology has this slug."""


def find(slug: str) -> Typology:
    """The typology with a slug; raises NoSuchTypology, which lists what there is."""
    found = Typology.objects.filter(slug=slug).first()
    if found is None:
        known = ", ".join(Typology.objects.values_list("slug", flat=True))
        raise NoSuchTypology(
            f"There is no typology {slug!r}.", hint=f"There are: {known}."
        )
    return found


def rows_of(typology: Typology | None) -> list[TypologyRule]:
    """The active rules of a typology, in its order; None: of the default one."""
    its = typology or default_typology()
    rows = TypologyRule.objects.filter(typologyruleuse__typology=its, is_active=True)
    return list(rows.order_by("typologyruleuse__position", "typologyruleuse__id"))


def own_rules() -> QuerySet[TypologyRule]:
    """The active rules of the default typology that judge people, in its order."""
    its = TypologyRule.objects.filter(typologyruleuse__typology__is_default=True)
    rows = its.filter(is_active=True, kind__in=JUDGING)
    return rows.order_by("typologyruleuse__position", "typologyruleuse__id")


def rules_of(typology: Typology | None) -> list[Rule]:
    """The rules of a typology that judge profiles, in the order in which they decide.

    Native rules, then its filtering rules, then what people have set as their own
    limit, then its fatigue rules, then duplicates.
    """
    return in_order(judging(rows_of(typology)))


def judging(rows: Iterable[TypologyRule]) -> list[OwnRule]:
    """Of these rules those that judge profiles: filtering before fatigue."""
    found = [own_rule(row) for row in rows if row.kind in JUDGING]
    return sorted(found, key=lambda rule: rule["kind"] == Kind.FATIGUE)


def in_order(own: Sequence[OwnRule]) -> list[Rule]:
    """Operators' rules in their place among those of the code."""
    *first, own_limit, duplicate = registered_rules()
    rules = {kind: [each for each in own if each["kind"] == kind] for kind in JUDGING}
    return [
        *first,
        *map(as_rule, rules[Kind.FILTERING]),
        own_limit,
        *map(as_rule, rules[Kind.FATIGUE]),
        duplicate,
    ]


def as_rule(own: OwnRule) -> Rule:
    """An operator's rule as an object like every other."""
    if own["kind"] == Kind.FILTERING:
        tree: Any = own["condition"]
        return Rule(
            own["code"],
            own["label"],
            lambda situation: conditions.to_q(tree, situation.moment),
            about=conditions.sentence(tree),
        )
    return Rule(
        own["code"],
        own["label"],
        lambda situation: fatigue.fatigued(own, situation),
        skipped_by=NOBODY_ASKED,
        about=f"got {own['maximum']} messages within {own['period_days']} days",
        is_indexed=True,
    )
