"""Reports: what an analysis found, and what it would find, without storing (D4, D8)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_noop as _

from delivery.analysis import definitions
from delivery.models import Analysis, Delivery, OutcomeWarning
from delivery.rules import Rule, controls, skips_denylist
from delivery.rules.controls import Finding

# How many profiles are under a code; "" are those to deliver.
Counts = dict[str, int]
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

    purpose: str
    purpose_note: str
    state: str
    targeted: int
    to_deliver: int
    causes: list[Line]
    warnings: list[Line]
    findings: Sequence[Finding]
    seconds: float
    error: str

    @classmethod
    def of(
        cls,
        rules: Sequence[Rule],
        *,
        purpose: str,
        purpose_note: str,
        state: str,
        counts: Counts,
        warnings: Counts,
        findings: Sequence[Finding],
        seconds: float,
        error: str,
    ) -> Self:
        """A report with a line for each rule, warning and control rule that found."""
        found = Counter(finding["code"] for finding in findings)
        labels = {f["code"]: f"{f['label']}: {f['text']}" for f in reversed(findings)}
        return cls(
            purpose=purpose,
            purpose_note=purpose_note,
            state=state,
            targeted=sum(counts.values()),
            to_deliver=counts.get("", 0),
            causes=[
                Line(rule.code, str(rule.label), counts.get(rule.code, 0))
                for rule in rules
            ],
            warnings=[
                *(
                    Line(code, str(label), warnings.get(code, 0))
                    for code, label in WARNINGS.items()
                ),
                *(Line(code, labels[code], count) for code, count in found.items()),
            ],
            findings=findings,
            seconds=seconds,
            error=error,
        )

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
        if not skips_denylist(self.purpose):
            return ""
        text = gettext("The purpose {purpose} reaches opted-out people too: {note}")
        note = self.purpose_note or gettext("no note says why")
        return text.format(purpose=self.purpose, note=note)

    @property
    def excluded(self) -> int:
        return self.targeted - self.to_deliver


def report_of(run: Analysis) -> Report:
    """The report of a run; the counts of one that is not ready are still empty."""
    return Report.of(
        definitions.rules_of(run),
        purpose=run.delivery.purpose,
        purpose_note=run.delivery.purpose_note,
        state=run.state,
        counts=run.counts,
        warnings=run.warnings,
        findings=run.findings,
        seconds=run.seconds,
        error=run.error,
    )


def warned_profiles(delivery: Delivery, code: str) -> QuerySet[Any, Any]:
    """Ids of the profiles that a warning of the report is about, as `profile_id`.

    Raises KeyError for an unknown code.
    """
    WARNINGS[code]
    rows = OutcomeWarning.objects.filter(delivery=delivery, code=code)
    return rows.values("profile_id")
