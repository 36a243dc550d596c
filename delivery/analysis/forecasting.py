"""The rules on an audience without a run: dry runs, forecasts, effects of a rule."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import Count
from django.utils import timezone

from audiences.membership import Members
from delivery.analysis.reports import SHARES_ADDRESS, Counts, Report
from delivery.models import Delivery, Typology, TypologyRule
from delivery.rules import (
    Judge,
    Situation,
    controls,
    judge_of,
    rows_of,
    shared_addresses,
    typologies,
)
from delivery.rules.controls import Finding
from delivery.rules.judgement import judge_by
from delivery.rules.rule import own_rule


def dry_run(delivery: Delivery, rows: list[TypologyRule] | None = None) -> Report:
    """What an analysis would find now; stores nothing.

    `rows` are rules to try instead of those of the delivery's typology.

    A control rule's error fails it, as it would fail the analysis; the figures are
    there all the same.
    """
    if rows is None:
        rows = rows_of(delivery.typology)
    findings = controls.inspect(delivery, rows)
    error = controls.error_of(findings)
    return _computed(
        judge_of(delivery, rows),
        state=Delivery.State.FAILED if error else delivery.state,
        purpose_note=delivery.purpose_note,
        findings=findings,
        error=error,
    )


def forecast(
    members: Members,
    channel: str,
    *,
    purpose: str = Delivery.Purpose.MARKETING,
    typology: Typology | None = None,
) -> Report:
    """The reach of an audience on a channel, by cause, before any delivery exists (D8).

    The same statement as a dry run; stores nothing.
    """
    situation = Situation(channel, purpose, None, timezone.now())
    judge = judge_by(members, situation, rows_of(typology))
    return _computed(judge, state=Delivery.State.DRAFT)


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
    judge = judge_of(delivery)
    predicate = typologies.as_rule(own_rule(row)).predicate(judge.situation)
    if predicate is None:
        return Effect(0, 0)
    others = [rule for rule in judge.rules if rule.code != row.code]
    found = replace(judge, rules=others).judged().filter(predicate)
    return Effect(found.count(), found.filter(cause__isnull=True).count())


def overlap(first: Members, second: Members) -> dict[str, int]:
    """How many profiles two audiences have, apart and together."""
    now = timezone.now()
    ours, theirs = first.profiles(now), second.profiles(now)
    return {
        "first": ours.count(),
        "second": theirs.count(),
        "both": ours.filter(pk__in=theirs.values("pk")).count(),
    }


def _computed(
    judge: Judge,
    *,
    state: str,
    purpose_note: str = "",
    findings: Sequence[Finding] = (),
    error: str = "",
) -> Report:
    started = time.monotonic()
    counts, warned = _tally(judge)
    return Report(
        judge.rules,
        purpose=judge.situation.purpose,
        purpose_note=purpose_note,
        state=state,
        counts=counts,
        warned={SHARES_ADDRESS: warned},
        findings=findings,
        seconds=time.monotonic() - started,
        error=error,
    )


def _tally(judge: Judge) -> tuple[Counts, int]:
    """How many profiles each rule would decide, and how many the warning is about."""
    channel = judge.situation.channel
    contenders = judge.judged().filter(cause__isnull=True).values("pk")
    holders = shared_addresses.holders_of(channel)
    losers = shared_addresses.losers(holders, contenders)
    judged = judge.given(losers=losers).judged()
    codes = {number: code for code, number in judge.numbers.items()}
    counts = {
        codes.get(number, ""): count
        for number, count in judged.values_list("cause").annotate(count=Count("pk"))
    }
    targeted = judged.filter(cause__isnull=True).values("pk")
    warned = shared_addresses.sharing_with_opted_out(channel, holders, targeted)
    return counts, warned.count()
