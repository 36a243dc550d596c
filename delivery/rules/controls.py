"""Control rules: what a message must be before anybody is judged (D5).

An error stops the analysis; a warning is shown with its report. Some checks are native:
the law or a promise of ours needs them, so they look at every delivery whose purpose
they are about, whatever its typology says. A delivery without subject and content
(another system has them) is checked only by `content_present`, where a typology has it.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from django.utils.translation import gettext, gettext_noop as _
from django_stubs_ext import StrPromise

from audiences.channels import Channel
from audiences.registry import Registry
from audiences.wording.placeholders import places
from delivery.content import FIELDS, PLACE, WAYS_OUT, field_of, filter_in, sms_segments
from delivery.models import Delivery, TypologyRule
from delivery.rules import reading

Severity = TypologyRule.Severity
SMS_SEGMENTS = 3


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


def _check(
    code: str, label: str, severity: str, **facts: Any
) -> Callable[[Find], Find]:
    """Make a function the check of that code."""

    def register(find: Find) -> Find:
        CHECKS.add(code, Check(code, label, find, severity, **facts))
        return find

    return register


class Finding(TypedDict):
    """A fault of a message, as a run keeps it, and whether it stops the analysis.

    `text` is English; `template` and `values` say it again in another language;
    findings that were stored before they existed have neither.
    """

    code: str
    label: str
    text: str
    severity: str
    template: NotRequired[str]
    values: NotRequired[dict[str, Any]]


def inspect(delivery: Delivery, rows: Iterable[TypologyRule]) -> list[Finding]:
    """What is found in the message, errors first.

    By the control rules of a typology, and by native checks that have no rule there.
    """
    chosen = [row for row in rows if row.kind == TypologyRule.Kind.CONTROL]
    native = _rules_of_native_checks({row.check_code for row in chosen})
    findings = [
        Finding(
            code=row.code,
            label=row.label,
            text=str(fault),
            severity=_severity(row, check),
            template=fault.template,
            values=fault.values,
        )
        for row in [*native, *chosen]
        if (check := CHECKS.get(row.check_code)) and delivery.channel in check.channels
        for fault in _faults(delivery, row, check)
    ]
    return sorted(findings, key=lambda finding: finding["severity"] != Severity.ERROR)


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


def _faults(delivery: Delivery, row: TypologyRule, check: Check) -> Iterable[Fault]:
    """What a check finds; a message that is elsewhere is looked for if a rule asks."""
    is_elsewhere = not delivery.subject.strip() and not delivery.content.strip()
    return () if is_elsewhere and row.pk is None else check.find(delivery)


def error_of(findings: Iterable[Finding]) -> str:
    """The errors among the findings in one text; empty when the analysis may run."""
    return " ".join(f["text"] for f in findings if f["severity"] == Severity.ERROR)


def in_words(finding: Finding) -> str:
    """What a finding, as it is stored, says in the reader's language."""
    template, values = finding.get("template", ""), finding.get("values", {})
    if not template:
        return finding["text"]
    text = gettext(template)
    return text % values if values else text


@_check(
    "content_present",
    _("Subject and content are present"),
    Severity.ERROR,
    is_native=True,
    # Where a typology has it, content that is elsewhere is missed.
    by_default=False,
)
def _content_present(delivery: Delivery) -> Iterable[Fault]:
    if delivery.channel == Channel.EMAIL and not delivery.subject.strip():
        yield Fault(_("The subject is empty."))
    if not delivery.content.strip():
        yield Fault(_("The content is empty."))


@_check(
    "unsubscribe_link",
    _("Marketing has an unsubscribe link"),
    Severity.ERROR,
    is_native=True,
    channels=(Channel.EMAIL,),
)
def _unsubscribe_link(delivery: Delivery) -> Iterable[Fault]:
    if delivery.purpose != Delivery.Purpose.MARKETING or not delivery.content.strip():
        return
    message = _read(delivery)
    offered = {field_of(message.places[number]) for number in message.offered}
    if set(WAYS_OUT) & offered:
        return
    if set(WAYS_OUT) & {field_of(place) for place in message.places}:
        yield Fault(
            _(
                "Nobody sees the unsubscribe link: it is in a comment, is hidden, or "
                "has nothing to click on."
            )
        )
        return
    yield Fault(_("Marketing needs {{ unsubscribe_link }} or {{ preferences_link }}."))


def _read(delivery: Delivery) -> reading.Message:
    return reading.read(delivery.content, is_email=delivery.channel == Channel.EMAIL)


@_check("known_fields", _("Personal fields are known"), Severity.ERROR, is_native=True)
def _known_fields(delivery: Delivery) -> Iterable[Fault]:
    for place in places(f"{delivery.subject} {delivery.content}"):
        name = field_of(place)
        if name not in FIELDS:
            yield Fault(
                _("%(field)s is not a field. There are: %(known)s."),
                field=f"{{{{ {name} }}}}",
                known=", ".join(FIELDS),
            )
            continue
        if name_of_filter := filter_in(place):
            yield Fault(
                _(
                    "%(field)s has the unknown filter %(filter)s. After | stands what "
                    "is said where the field is empty."
                ),
                field=f"{{{{ {place.strip()} }}}}",
                filter=name_of_filter,
            )
    yield from _broken_places(delivery)


# A style sheet ends in }} and has 100%}, but never begins like this.
_BEGUN = re.compile(r"\{\{|\{%")
_AROUND = re.compile(r"\{\{\{[^{}]*\}\}\}?")


def _broken_places(delivery: Delivery) -> Iterable[Fault]:
    """Braces that are no place: readers would see them."""
    for text in (delivery.subject, delivery.content):
        rest = PLACE.sub("", text)
        for found in _BEGUN.finditer(rest):
            shown = " ".join(rest[found.start() : found.start() + 40].split())
            if found[0] == "{%":
                template = _("“%(text)s”: {%% … %%} means nothing here, only {{ … }}.")
            else:
                template = _("“%(text)s” is left open: a field ends with }}.")
            yield Fault(template, text=shown)
    for text in (delivery.subject, delivery.content):
        for found in _AROUND.finditer(text):
            template = _("“%(text)s” has one brace too many: readers would see it.")
            yield Fault(template, text=found[0])
    for text in (PLACE.sub("", delivery.subject), _read(delivery).text):
        if "}}" in text and "{{" not in text:
            yield Fault(_("“}}” has no beginning: a field begins with {{."))


@_check(
    "sms_length",
    _("The SMS is not too long"),
    Severity.WARNING,
    channels=(Channel.SMS,),
)
def _sms_length(delivery: Delivery) -> Iterable[Fault]:
    encoding, segments = sms_segments(delivery.content)
    if segments > SMS_SEGMENTS:
        yield Fault(
            _(
                "The SMS takes %(segments)s segments in %(encoding)s; the most is "
                "%(most)s. Personal fields make it longer still."
            ),
            segments=segments,
            encoding=encoding,
            most=SMS_SEGMENTS,
        )


@_check("https_links", _("Links are https"), Severity.WARNING, is_native=True)
def _https_links(delivery: Delivery) -> Iterable[Fault]:
    for link in dict.fromkeys(_read(delivery).links):
        if link.lower().startswith("http:"):
            yield Fault(_("The link %(link)s is not https."), link=link[:100])
