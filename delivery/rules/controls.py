"""Control rules: what a message must be before anybody is judged (D5).

An error stops the analysis; a warning is shown with its report. A delivery without
subject and content (another system has them) is checked only by `content_present`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, NotRequired, TypedDict

from django.utils.translation import gettext, gettext_noop as _
from django_stubs_ext import StrPromise

from audiences.channels import Channel
from audiences.registry import Registry
from delivery.content import FIELDS, LINKS, placeholders, sms_segments
from delivery.models import Delivery, TypologyRule

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
    """What a control rule checks: `find` yields one sentence for each fault."""

    code: str
    label: "str | StrPromise"
    find: Find
    severity: str
    by_default: bool = True
    channels: tuple[str, ...] = tuple(Channel.values)


CHECKS: Registry[str, Check] = Registry("check of a message")


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
    """What the control rules of a typology find in the message, errors first."""
    findings = [
        Finding(
            code=row.code,
            label=row.label,
            text=str(fault),
            severity=row.severity,
            template=fault.template,
            values=fault.values,
        )
        for row in rows
        if row.kind == TypologyRule.Kind.CONTROL
        and (check := CHECKS.get(row.check_code))
        and delivery.channel in check.channels
        for fault in check.find(delivery)
    ]
    return sorted(findings, key=lambda finding: finding["severity"] != Severity.ERROR)


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


# Deliveries that another system sends have their content there.
@_check(
    "content_present",
    _("Subject and content are present"),
    Severity.ERROR,
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
    channels=(Channel.EMAIL,),
)
def _unsubscribe_link(delivery: Delivery) -> Iterable[Fault]:
    if delivery.purpose != Delivery.Purpose.MARKETING or not delivery.content.strip():
        return
    if not set(LINKS) & set(placeholders(delivery.content)):
        yield Fault(
            _("Marketing needs {{ unsubscribe_link }} or {{ preferences_link }}.")
        )


@_check("known_fields", _("Personal fields are known"), Severity.ERROR)
def _known_fields(delivery: Delivery) -> Iterable[Fault]:
    for name in placeholders(f"{delivery.subject} {delivery.content}"):
        if name not in FIELDS:
            yield Fault(
                _("%(field)s is not a field. There are: %(known)s."),
                field=f"{{{{ {name} }}}}",
                known=", ".join(FIELDS),
            )


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


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[Any]) -> None:
        self.found += [
            value or ""
            for name, value in attrs
            if name == ("src" if tag == "img" else "href") and tag in ("a", "img")
        ]


@_check("https_links", _("Links are https"), Severity.WARNING)
def _https_links(delivery: Delivery) -> Iterable[Fault]:
    parser = _Links()
    parser.feed(delivery.content)
    in_text = re.findall(r"\bhttp://[^\s<>\"']*[^\s<>\"'.,;:!?)]", delivery.content)
    for link in dict.fromkeys([*parser.found, *in_text]):
        if link.strip().lower().startswith("http:"):
            yield Fault(_("The link %(link)s is not https."), link=link[:100])
