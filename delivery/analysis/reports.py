"""Reports: what an analysis found, and what it would find, without storing (D4, D8)."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_noop as _

from delivery.analysis import chunks
from delivery.models import Analysis, Delivery, OutcomeWarning
from delivery.rules import Rule, controls, skips_denylist

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


def warned_profiles(delivery: Delivery, code: str) -> QuerySet[Any, Any]:
    """Ids of the profiles that a warning of the report is about, as `profile_id`.

    Raises KeyError for an unknown code.
    """
    WARNINGS[code]
    rows = OutcomeWarning.objects.filter(delivery=delivery, code=code)
    return rows.values("profile_id")


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
