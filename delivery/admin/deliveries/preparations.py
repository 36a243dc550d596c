"""Prepare, Stop and how far it is, and the forecast before there is one (D1, D8).

The page only asks; a background worker does it. So nobody waits, and leaving the page
stops nothing. A forecast stores nothing: a page waits a few seconds for it and no
longer, as a preparation, which blocks nobody, tells the same.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _, gettext_noop, ngettext

from audiences import sql
from audiences.console import remedies
from audiences.console.numbers import grouped
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.refusals import Refused, Remedy
from delivery import analysis, approvals
from delivery.analysis import Report, preparation
from delivery.analysis.preparation import Preparation
from delivery.analysis.reports import Line
from delivery.models import Delivery
from delivery.roles import PREPARE
from delivery.rules.controls import Finding


def _back(delivery: Delivery) -> HttpResponse:
    return redirect("admin:delivery_delivery_outcomes", delivery.pk)


def context(request: HttpRequest, delivery: Delivery, present: Preparation) -> Facts:
    """What the page says about the preparation, and which buttons it has."""
    far = progress_of(present)
    is_sent = delivery.has_left
    findings = present.run.findings if present.run else []
    return {
        "mending": mending(findings, delivery, request.user),
        "preparation": present,
        "progress": far,
        "progress_words": words(far),
        "moment": moment_of(delivery, present),
        "is_sent": is_sent,
        "is_abandoned": is_abandoned(delivery, present),
        "may_prepare": _may_prepare(request, delivery) and not is_sent,
    }


def mending(
    findings: Iterable[Finding], delivery: Delivery, user: Any
) -> list[remedies.Link]:
    """Where what was found in the message is mended: each place once."""
    found = {
        Remedy("organisation")
        if finding["code"] == "control:postal_address"
        else Remedy("content", delivery.pk, "content")
        for finding in findings
    }
    links = (remedies.link_of(each, user) for each in sorted(found, key=str))
    return [link for link in links if link]


def _may_prepare(request: HttpRequest, delivery: Delivery) -> bool:
    refusal = approvals.refusal(request.user, delivery)
    return request.user.has_perm(PREPARE) and not refusal


@page(Delivery, "prepare", PREPARE, method="POST")
def prepare(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """Ask for a preparation, or for a stopped one to go on."""
    if refusal := approvals.refusal(request.user, delivery):
        raise PermissionDenied(refusal)
    try:
        preparation.ask(delivery, actor=request.user.get_username())
    except preparation.PreparationRefused as refused:
        remedies.tell(request, refused, messages.WARNING)
        return _back(delivery)
    admin.log_change(request, delivery, gettext_noop("Asked for its preparation."))
    return _back(delivery)


@page(Delivery, "stop", PREPARE, method="POST")
def stop(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """Stop after the present chunk; what was judged stands."""
    if refusal := approvals.refusal(request.user, delivery):
        raise PermissionDenied(refusal)
    if preparation.stop(delivery):
        admin.log_change(request, delivery, gettext_noop("Stopped its preparation."))
    else:
        messages.info(request, _("It had ended already: there is nothing to stop."))
    return _back(delivery)


@page(Delivery, "progress", "view", route="<int:pk>/progress.json")
def progress(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """How far it is, as JSON, for the script of the page."""
    present = preparation.of(delivery)
    far = progress_of(present)
    answer = {
        # Another moment is another page: the script loads it.
        "moment": moment_of(delivery, present),
        "done": far.done,
        "expected": far.expected,
        "text": words(far),
    }
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def is_abandoned(delivery: Delivery, present: Preparation) -> bool:
    """Whether the run goes on on paper only: its process has died."""
    return present.state == preparation.RUNNING and not analysis.is_at_work(delivery)


def moment_of(delivery: Delivery, present: Preparation) -> str:
    """What decides which page is shown; while it stays the same only numbers change."""
    run = present.run.pk if present.run else 0
    gone = is_abandoned(delivery, present)
    return f"{present.state}-{run}-{present.is_overdue}-{present.is_stopping}-{gone}"


def progress_of(present: Preparation) -> analysis.Progress:
    running = present.run and present.state == preparation.RUNNING
    if present.run and (running or not present.is_going_on):
        return analysis.progress_of(present.run)
    return analysis.Progress(0, 0)


def words(far: analysis.Progress) -> str:
    """How far it is, in words."""
    if not far.expected:
        return _("It is about to begin.")
    text = ngettext(
        "{done} of {expected} profile was judged.",
        "{done} of {expected} profiles were judged.",
        far.expected,
    )
    return text.format(done=grouped(far.done), expected=grouped(far.expected))


SECONDS = 4.0


def forecast(request: HttpRequest, delivery: Delivery) -> Facts:
    """The forecast when the page asks for it, or why there is none."""
    if "forecast" not in request.GET:
        return {}
    try:
        return {"forecast": _in_words(within_time(delivery))}
    except sql.TooSlow:
        return {
            "no_forecast": _(
                "There are too many people to forecast it while you wait. Prepare "
                "it: that sends nothing, and can be stopped."
            )
        }
    except Refused as refused:
        return {"no_forecast": str(refused)}


def _in_words(report: Report) -> Facts:
    """The report with its numbers as the language writes them."""

    def lines(found: list[Line]) -> list[tuple[str, str]]:
        return [
            (report.in_words(line), grouped(line.count)) for line in found if line.count
        ]

    return {
        "targeted": grouped(report.targeted),
        "to_deliver": grouped(report.to_deliver),
        "excluded": grouped(report.excluded),
        "error": report.error_in_words,
        "causes": lines(report.causes),
        "warnings": lines([w for w in report.warnings if w.code in analysis.WARNINGS]),
        "remarks": report.remarks,
    }


def within_time(delivery: Delivery) -> Report:
    """A dry run that may take some seconds; raises TooSlow, Refused."""
    with sql.time_limit(SECONDS):
        return analysis.dry_run(delivery)
