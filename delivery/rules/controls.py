"""Control rules: what a message must be before anybody is judged (D5).

An error stops the analysis; a warning is shown with its report. Each check looks at
what the delivery says in every language. Some checks are native: the law or a promise
of ours needs them, so they look at every delivery whose purpose they are about,
whatever its typology says. A delivery without subject and content (another system has
them) is checked only by `content_present`, where a typology has it.
"""

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from django.utils.translation import gettext
from django_stubs_ext import StrPromise

from audiences.channels import Channel
from audiences.registry import Registry
from delivery.models import Delivery, TypologyRule

Severity = TypologyRule.Severity


class Fault(str):
    """A sentence about a message in English; the console says it in other languages."""

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, **values: Any) -> "Fault":
        fault = super().__new__(cls, template % values if values else template)
        fault.template, fault.values = template, values
        return fault


Find = Callable[[Delivery], Iterable[Fault]]


@dataclass(frozen=True)
class Check:
    """What a control rule checks: `find` yields one sentence for each fault.

    One that `is_native` can be neither dropped nor made less severe.
    """

    code: str
    label: "str | StrPromise"
    find: Find
    severity: str
    is_native: bool = False
    by_default: bool = True
    channels: tuple[str, ...] = tuple(Channel.values)

    @property
    def is_error(self) -> bool:
        """Whether it is native and stops the analysis, whatever a rule says."""
        return self.is_native and self.severity == Severity.ERROR


CHECKS: Registry[str, Check] = Registry("check of a message")


def is_always_on(row: TypologyRule) -> bool:
    """Whether it is the rule of a native check, which looks at every delivery."""
    check = CHECKS.get(row.check_code)
    return bool(check and check.is_native and row.code == f"control:{check.code}")


def is_too_mild(check_code: str, severity: str) -> bool:
    """Whether the severity is less than the check needs."""
    return CHECKS[check_code].is_error and severity == Severity.WARNING


def check(code: str, label: str, severity: str, **facts: Any) -> Callable[[Find], Find]:
    """Make a function the check of that code; those of ours are in `checks` beside."""

    def register(find: Find) -> Find:
        CHECKS.add(code, Check(code, label, find, severity, **facts))
        return find

    return register


class Finding(TypedDict):
    """A fault of a message, as a run keeps it, and whether it stops the analysis.

    `text` is English; `template` and `values` say it again in another language;
    findings that were stored before they existed have neither. `language` is that of
    the variant, where it is not what everybody else reads.
    """

    code: str
    label: str
    text: str
    severity: str
    template: NotRequired[str]
    values: NotRequired[dict[str, Any]]
    language: NotRequired[str]


def inspect(delivery: Delivery, rows: Iterable[TypologyRule]) -> list[Finding]:
    """What is found in the message, in every language, errors first.

    By the control rules of a typology, and by native checks that have no rule there.
    """
    return inspect_texts(list(texts_of(delivery)), rows)


def inspect_texts(
    texts: list[tuple[str, Delivery]], rows: Iterable[TypologyRule]
) -> list[Finding]:
    """The same of some texts of a delivery, each with its language, as `texts_of` has
    them."""
    chosen = [row for row in rows if row.kind == TypologyRule.Kind.CONTROL]
    native = _rules_of_native_checks({row.check_code for row in chosen})
    is_elsewhere = not any(
        said.subject.strip() or said.content.strip() for _language, said in texts
    )
    findings = [
        _finding(row, check, fault, language)
        for row in [*native, *chosen]
        # What another system says is looked for if a rule asks.
        if row.pk is not None or not is_elsewhere
        for language, said in texts
        if (check := CHECKS.get(row.check_code)) and said.channel in check.channels
        for fault in check.find(said)
    ]
    return sorted(findings, key=lambda finding: finding["severity"] != Severity.ERROR)


def texts_of(delivery: Delivery) -> Iterator[tuple[str, Delivery]]:
    """The delivery as everybody else reads it, then in each language that it has."""
    yield "", delivery
    for variant in delivery.variants.all() if delivery.pk else ():
        said = copy(delivery)
        said.subject, said.preheader = variant.subject, variant.preheader
        said.content = variant.content
        yield variant.language, said


def _finding(row: TypologyRule, check: Check, fault: Fault, language: str) -> Finding:
    found = Finding(
        code=row.code,
        label=row.label,
        text=f"In {language}: {fault}" if language else str(fault),
        severity=_severity(row, check),
        template=fault.template,
        values=fault.values,
    )
    return found | {"language": language} if language else found


def _rules_of_native_checks(but: set[str]) -> list[TypologyRule]:
    """A rule for each of them, as if every typology had it."""
    return [
        TypologyRule(
            code=f"control:{check.code}",
            label=str(check.label),
            kind=TypologyRule.Kind.CONTROL,
            check_code=check.code,
            severity=check.severity,
        )
        for check in CHECKS.values()
        if check.is_native and check.code not in but
    ]


def _severity(row: TypologyRule, check: Check) -> str:
    """An operator may make a native check more severe, not less."""
    return Severity.ERROR if check.is_error else row.severity


def error_of(findings: Iterable[Finding]) -> str:
    """The errors among the findings in one text; empty when the analysis may run."""
    return " ".join(f["text"] for f in findings if f["severity"] == Severity.ERROR)


def in_words(finding: Finding) -> str:
    """What a finding, as it is stored, says in the reader's language."""
    template, values = finding.get("template", ""), finding.get("values", {})
    if not template:
        return finding["text"]
    text = gettext(template)
    text = text % values if values else text
    if language := finding.get("language", ""):
        return gettext("In {language}: {text}").format(language=language, text=text)
    return text
