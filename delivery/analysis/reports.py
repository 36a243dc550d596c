"""Reports: what an analysis found, and what it would find, without storing (D4, D8)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, gettext_noop as _

from delivery.analysis import definitions
from delivery.models import Analysis
from delivery.models.typologies import label_in_words
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
    """What an analysis found (D4); `warned` are the counts of WARNINGS."""

    rules: Sequence[Rule]
    purpose: str
    purpose_note: str
    state: str
    counts: Counts
    warned: Counts
    findings: Sequence[Finding]
    seconds: float
    error: str

    @property
    def targeted(self) -> int:
        return sum(self.counts.values())

    @property
    def to_deliver(self) -> int:
        return self.counts.get("", 0)

    @property
    def excluded(self) -> int:
        return self.targeted - self.to_deliver

    def figures(self) -> dict[str, Any]:
        """The counts as the contract of the commands has them."""
        return {
            "targeted": self.targeted,
            "to_deliver": self.to_deliver,
            "excluded": self.excluded,
            "causes": [vars(line) for line in self.causes],
            "warnings": [vars(line) for line in self.warnings],
            "seconds": round(self.seconds, 3),
        }

    @property
    def causes(self) -> list[Line]:
        """A line for each rule, in the order in which they decide."""
        return [
            Line(rule.code, str(rule.label), self.counts.get(rule.code, 0))
            for rule in self.rules
        ]

    @property
    def warnings(self) -> list[Line]:
        """A line for each warning about people, then for each control rule's."""
        labels = WARNINGS | {
            f["code"]: f"{f['label']}: {f['text']}" for f in reversed(self.findings)
        }
        found = Counter(finding["code"] for finding in self.findings)
        return [
            Line(code, labels[code], count)
            for code, count in [
                *((code, self.warned.get(code, 0)) for code in WARNINGS),
                *found.items(),
            ]
        ]

    def in_words(self, line: Line) -> str:
        """What a line says in the reader's language; its label is always English."""
        found = (f for f in self.findings if f["code"] == line.code)
        finding = next(found, None)
        if finding is None:
            return label_in_words(line.label)
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


def report_of(run: Analysis) -> Report:
    """The report of a run; the counts of one that is not ready are still empty."""
    return Report(
        definitions.rules_of(run),
        purpose=run.delivery.purpose,
        purpose_note=run.delivery.purpose_note,
        state=run.state,
        counts=run.counts,
        warned=run.warnings,
        findings=run.findings,
        seconds=run.seconds,
        error=run.error,
    )
