"""The report of a delivery and its exclusion log, as pages of the admin (D4, D8)."""

from urllib.parse import urlencode

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy

from audiences.console.charts import Share, in_a_row
from audiences.console.downloads import EXPORTERS, csv_file, may_export
from audiences.console.numbers import grouped
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.models import Profile
from delivery import analysis
from delivery.admin.deliveries import forecasts, preparations
from delivery.admin.deliveries.outcome_log import (
    EXCLUDED,
    TO_DELIVER,
    Selection,
    page_of,
)
from delivery.analysis import Report, comparison, definitions, preparation, reports
from delivery.analysis.outcomes import COLUMNS, export_rows
from delivery.models import Analysis, Delivery, Outcome


@page(Delivery, "outcomes", "view", title=gettext_lazy("Who is excluded, and why"))
def report_and_log(
    admin: PlainAdmin, request: HttpRequest, delivery: Delivery
) -> Answer:
    """Who gets the delivery, who is excluded and why; then each, page by page."""
    present = preparation.of(delivery)
    facts: Facts = {"delivery": delivery}
    facts |= preparations.context(request, delivery, present)
    facts |= forecasts.context(request, delivery)
    run = present.run
    if run is None:
        return facts
    report = reports.report_of(run)
    selection = Selection.of(request.GET, report)
    base = reverse("admin:delivery_delivery_outcomes", args=[delivery.pk])
    csv_url = reverse("admin:delivery_delivery_outcomes_csv", args=[delivery.pk])
    return (
        facts
        | {
            "run": run,
            "report": report,
            "is_ready": run.state == Analysis.State.READY,
            "is_stale": definitions.is_stale(run),
            # A run that an error stopped before anybody was judged has none.
            "has_log": run.state != Analysis.State.FAILED or run.chunks.exists(),
            "previous": comparison.previous(delivery),
            "selection": selection,
            "may_export": may_export(request),
            "page": page_of(delivery, selection, request.GET),
            "csv_url": csv_url,
        }
        | _shares(report, base)
    )


def _shares(report: Report, base: str) -> Facts:
    def url(show: str) -> str:
        return f"{base}?{urlencode({'show': show})}#log"

    def share(label: str, count: int, show: str, code: str = "") -> Share:
        return Share(label, count, report.targeted, code, url(show))

    def of_line(kind: str, line: reports.Line) -> Share:
        show = f"{kind}:{line.code}"
        return share(report.in_words(line), line.count, show, line.code)

    delivered, excluded = in_a_row(
        [
            share(_("To deliver"), report.to_deliver, TO_DELIVER),
            share(_("Excluded"), report.excluded, EXCLUDED),
        ]
    )
    causes = [of_line("cause", line) for line in report.causes]
    warnings = [
        of_line("warning", line)
        for line in report.warnings
        if line.code in analysis.WARNINGS and line.count
    ]
    return {
        "targeted": grouped(report.targeted),
        "delivered": delivered,
        "excluded": excluded,
        "causes": in_a_row(causes, report.to_deliver),
        "is_nobody_excluded": not report.excluded,
        "empty_causes": sum(not cause.count for cause in causes),
        "warnings": warnings,
        "findings": report.remarks,
    }


@page(
    Delivery,
    "why",
    "view",
    route="<int:pk>/outcomes/why/<int:profile_id>/",
    title=gettext_lazy("Why?"),
)
def why(
    admin: PlainAdmin, request: HttpRequest, delivery: Delivery, profile_id: int
) -> Answer:
    """Every rule that excludes one profile at this moment, and what was decided."""
    profile = get_object_or_404(Profile, pk=profile_id)
    outcomes = Outcome.objects.select_related("rule")
    return {
        "delivery": delivery,
        "profile": profile,
        "explanation": analysis.explain(delivery, profile),
        "outcome": outcomes.filter(delivery=delivery, profile=profile).first(),
    }


@page(Delivery, "outcomes_csv", "view", *EXPORTERS, route="<int:pk>/outcomes.csv")
def download(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """The chosen rows as a CSV file."""
    run = delivery.latest_analysis
    selection = Selection.of(request.GET, reports.report_of(run) if run else None)
    name = f"delivery-{delivery.pk}-{selection.show.replace(':', '-')}.csv"
    return csv_file(name, COLUMNS, export_rows(selection.rows(delivery)))
