"""Reports: what an analysis found, and what it would find, without storing (D4, D8)."""

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from audiences.membership import members as membership
from audiences.models import Audience
from delivery.analysis import chunks
from delivery.models import (
    Analysis,
    Delivery,
    OutcomeWarning,
    Typology,
    TypologyRule,
)
from delivery.rules import controls, judgement, typologies
from delivery.rules.native import Rule, skips_denylist

SHARES_ADDRESS = "shares_address_with_opted_out"
WARNINGS = {
    SHARES_ADDRESS: _("To deliver, but an opted-out profile has the same address"),
}


@dataclass(frozen=True)
class Line:
    """A cause or warning in a report: its code, what it means, how many profiles."""

    code: str
    label: str
    count: int


@dataclass(frozen=True)
class Report:
    """What an analysis found (D4)."""

    delivery: Delivery
    state: str
    targeted: int
    to_deliver: int
    causes: list[Line]
    warnings: list[Line]
    seconds: float
    error: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)

    def in_words(self, line: Line) -> str:
        """What a line says in the reader's language; its label is always English."""
        found = (f for f in self.findings if f["code"] == line.code)
        finding = next(found, None)
        if finding is None:
            return gettext(line.label)
        return f"{gettext(finding['label'])}: {controls.in_words(finding)}"

    @property
    def error_in_words(self) -> str:
        """The error in the reader's language, where a control rule found it."""
        errors = [f for f in self.findings if f["severity"] == controls.Severity.ERROR]
        if self.error != " ".join(f["text"] for f in errors):
            return self.error
        return " ".join(map(controls.in_words, errors))

    @property
    def remarks(self) -> list[str]:
        """What control rules say of the message, besides the error that stops it."""
        stops = {
            f["code"] for f in self.findings if f["severity"] == controls.Severity.ERROR
        }
        return [
            self.in_words(line)
            for line in self.warnings
            if line.code not in WARNINGS and line.code not in stops
        ]

    @property
    def notice(self) -> str:
        """What must be said before the figures."""
        if not skips_denylist(self.delivery.purpose):
            return ""
        text = gettext("The purpose {purpose} reaches opted-out people too: {note}")
        note = self.delivery.purpose_note or gettext("no note says why")
        return text.format(purpose=self.delivery.purpose, note=note)

    @property
    def excluded(self) -> int:
        return self.targeted - self.to_deliver


def report_of(run: Analysis) -> Report:
    """The report of a run; the counts of one that is not ready are still empty."""
    return _report(
        run.delivery,
        run.state,
        chunks.rules_of(run),
        counts=run.counts,
        warnings=run.warnings,
        findings=run.findings,
        seconds=run.seconds,
        error=run.error,
    )


def dry_run(delivery: Delivery, rows: list[TypologyRule] | None = None) -> Report:
    """What an analysis would find now; stores nothing.

    `rows` are rules to try instead of those of the delivery's typology.

    A control rule's error fails it, as it would fail the analysis; the figures are
    there all the same.
    """
    if rows is None:
        rows = typologies.rows_of(delivery)
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
    return _computed(delivery, Delivery.State.DRAFT, typologies.rows_of(delivery))


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
    situation = judgement.situation_of(delivery)
    predicate = typologies.as_rule(row).predicate(situation)
    if predicate is None:
        return Effect(0, 0)
    others = [rule for rule in typologies.rules_of(delivery) if rule.code != row.code]
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


def warned_profiles(delivery: Delivery, code: str) -> QuerySet[Any, Any]:
    """Ids of the profiles that a warning of the report is about, as `profile_id`.

    Raises KeyError for an unknown code.
    """
    WARNINGS[code]
    rows = OutcomeWarning.objects.filter(delivery=delivery, code=code)
    return rows.values("profile_id")


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
    situation = judgement.situation_of(delivery)
    profiles = judgement.audience_profiles(delivery, situation.at)
    contenders = judgement.survivors(profiles, situation, rules)
    holders = judgement.shared_holders(delivery.channel)
    losers = judgement.losers(holders, contenders)
    situation = replace(situation, losers=losers)
    numbers = typologies.rule_ids()
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


def _report(
    delivery: Delivery,
    state: str,
    rules: list[Rule],
    *,
    counts: dict[str, int],
    warnings: dict[str, int],
    findings: list[dict[str, Any]],
    seconds: float,
    error: str = "",
) -> Report:
    found = Counter(finding["code"] for finding in findings)
    labels = {
        finding["code"]: f"{finding['label']}: {finding['text']}"
        for finding in reversed(findings)
    }
    return Report(
        delivery=delivery,
        state=state,
        targeted=sum(counts.values()),
        to_deliver=counts.get("", 0),
        causes=[
            Line(rule.code, str(rule.label), counts.get(rule.code, 0)) for rule in rules
        ],
        warnings=[
            *(
                Line(code, str(label), warnings.get(code, 0))
                for code, label in WARNINGS.items()
            ),
            *(Line(code, labels[code], count) for code, count in found.items()),
        ],
        seconds=seconds,
        error=error,
        findings=findings,
    )
