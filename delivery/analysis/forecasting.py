"""The rules on an audience without a run: dry runs, forecasts, effects of a rule."""

import time
from dataclasses import dataclass, replace

from django.db.models import Count
from django.utils import timezone

from audiences import membership
from audiences.models import Audience
from delivery.analysis.reports import SHARES_ADDRESS, Report, _report
from delivery.models import Delivery, Typology, TypologyRule
from delivery.rules import (
    Rule,
    controls,
    judgement,
    rows_of,
    rule_ids,
    rules_of,
    situation_of,
    typologies,
)


def dry_run(delivery: Delivery, rows: list[TypologyRule] | None = None) -> Report:
    """What an analysis would find now; stores nothing.

    `rows` are rules to try instead of those of the delivery's typology.

    A control rule's error fails it, as it would fail the analysis; the figures are
    there all the same.
    """
    if rows is None:
        rows = rows_of(delivery)
    findings = controls.inspect(delivery, rows)
    error = controls.error_of(findings)
    state = Delivery.State.FAILED if error else delivery.state
    return _computed(delivery, state, rows, findings=findings, error=error)


def forecast(
    audience: Audience,
    channel: str,
    *,
    purpose: str = Delivery.Purpose.MARKETING,
    typology: Typology | None = None,
) -> Report:
    """The reach of an audience on a channel, by cause, before any delivery exists (D8).

    The same statement as a dry run; stores nothing.
    """
    delivery = Delivery(
        audience=audience, channel=channel, purpose=purpose, typology=typology
    )
    return _computed(delivery, Delivery.State.DRAFT, rows_of(delivery))


@dataclass(frozen=True)
class Effect:
    """What one more rule would do to a delivery now.

    `matching` people of the audience meet it; of these `deciding` would be delivered to
    without it, as far as the other rules of the delivery but duplicates say.
    """

    matching: int
    deciding: int


def effect_of(delivery: Delivery, row: TypologyRule) -> Effect:
    """How many a filtering or fatigue rule, saved or not, would exclude now."""
    situation = situation_of(delivery)
    predicate = typologies.as_rule(row).predicate(situation)
    if predicate is None:
        return Effect(0, 0)
    others = [rule for rule in rules_of(delivery) if rule.code != row.code]
    profiles = judgement.audience_profiles(delivery, situation.at)
    found = judgement.prepared(profiles, situation).filter(predicate)
    numbers = {rule.code: 1 for rule in others}
    left = found.annotate(cause=judgement.cause(situation, others, numbers))
    return Effect(found.count(), left.filter(cause__isnull=True).count())


def overlap(first: Audience, second: Audience) -> dict[str, int]:
    """How many profiles two audiences have, apart and together."""
    now = timezone.now()
    ours = membership.profiles(first, now)
    theirs = membership.profiles(second, now)
    return {
        "first": ours.count(),
        "second": theirs.count(),
        "both": ours.filter(pk__in=theirs.values("pk")).count(),
    }


def _computed(
    delivery: Delivery,
    state: str,
    rows: list[TypologyRule],
    *,
    findings: list[controls.Finding] | None = None,
    error: str = "",
) -> Report:
    started = time.monotonic()
    rules = typologies.in_order(typologies.judging(rows))
    counts, warned = _tally(delivery, rules)
    return _report(
        delivery,
        state,
        rules,
        counts=counts,
        warnings={SHARES_ADDRESS: warned},
        findings=[vars(finding) for finding in findings or ()],
        seconds=time.monotonic() - started,
        error=error,
    )


def _tally(delivery: Delivery, rules: list[Rule]) -> tuple[dict[str, int], int]:
    """How many profiles each rule would decide, and how many the warning is about."""
    situation = situation_of(delivery)
    profiles = judgement.audience_profiles(delivery, situation.at)
    contenders = judgement.survivors(profiles, situation, rules)
    holders = judgement.shared_holders(delivery.channel)
    losers = judgement.losers(holders, contenders)
    situation = replace(situation, losers=losers)
    numbers = rule_ids()
    judged = judgement.prepared(profiles, situation).annotate(
        cause=judgement.cause(situation, rules, numbers)
    )
    codes = {number: code for code, number in numbers.items()}
    counts = {
        codes.get(number, ""): count
        for number, count in judged.values_list("cause").annotate(count=Count("pk"))
    }
    targeted = judged.filter(cause__isnull=True).values("pk")
    warned = judgement.sharing_with_opted_out(delivery.channel, holders, targeted)
    return counts, warned.count()
