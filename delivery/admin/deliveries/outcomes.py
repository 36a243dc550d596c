"""The report of a delivery and its exclusion log, as pages of the admin (D4, D8)."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from audiences.console.lists import PlainAdmin, grouped
from audiences.files import safe_cells
from audiences.models import Profile
from audiences.roles import EXPORT, SEE_ADDRESSES
from delivery import analysis
from delivery.admin.deliveries import forecasts, preparations
from delivery.admin.deliveries.outcome_log import EXCLUDED, Selection, page_of
from delivery.analysis import Report, comparison, definitions, preparation, reports
from delivery.analysis.outcomes import COLUMNS, export_rows
from delivery.models import Analysis, Delivery, Outcome

View = Callable[..., Any]


@dataclass(frozen=True)
class Share:
    """A number of profiles as a part of the target, with its place in a bar of 1000."""

    code: str
    label: str
    count: int
    percent: float
    start: float
    url: str = ""

    @property
    def width(self) -> float:
        return self.percent * 10

    @property
    def number(self) -> str:
        return grouped(self.count)

    @property
    def share(self) -> str:
        """The percentage in words: never 0.0% for somebody."""
        return percentage(self.percent)


def percentage(percent: float) -> str:
    """A share in words; somebody is never 0.0%."""
    if 0 < percent < 0.05:
        return f"<{number_format(0.1, 1)}%"
    return f"{number_format(round(percent, 1), 1)}%"


def delivery_to_see(admin: PlainAdmin, request: HttpRequest, pk: int) -> Delivery:
    related = Delivery.objects.select_related("audience", "service")
    delivery = get_object_or_404(related, pk=pk)
    if not admin.has_view_permission(request, delivery):
        raise PermissionDenied
    return delivery


def page_context(
    admin: PlainAdmin, request: HttpRequest, delivery: Delivery
) -> dict[str, Any]:
    return admin.admin_site.each_context(request) | {
        "opts": Delivery._meta,
        "media": admin.media,
        "delivery": delivery,
    }


def report_and_log(admin: PlainAdmin) -> View:
    """Who gets the delivery, who is excluded and why; then each, page by page."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        delivery = delivery_to_see(admin, request, pk)
        context = page_context(admin, request, delivery)
        context["title"] = _("Who is excluded, and why")
        present = preparation.of(delivery)
        context |= preparations.context(request, delivery, present)
        context |= forecasts.context(request, delivery)
        run = present.run
        if run:
            report = reports.report_of(run)
            selection = Selection.of(request.GET, report)
            base = reverse("admin:delivery_delivery_outcomes", args=[pk])
            context |= {
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
                "csv_url": reverse("admin:delivery_delivery_outcomes_csv", args=[pk]),
            } | _shares(report, base)
        template = "admin/delivery/delivery/outcomes.html"
        return TemplateResponse(request, template, context)

    return view


def _shares(report: Report, base: str) -> dict[str, Any]:
    def url(show: str) -> str:
        return f"{base}?{urlencode({'show': show})}#log"

    def share(code: str, label: str, count: int, start: float, show: str) -> Share:
        percent = 100 * count / report.targeted if report.targeted else 0.0
        return Share(code, label, count, percent, start, url(show))

    delivered = share("", _("To deliver"), report.to_deliver, 0, "to_deliver")
    excluded = share("", _("Excluded"), report.excluded, delivered.width, EXCLUDED)
    causes: list[Share] = []
    start = delivered.width
    for line in report.causes:
        show = f"cause:{line.code}"
        causes.append(share(line.code, report.in_words(line), line.count, start, show))
        start += causes[-1].width
    warnings = [
        share(line.code, report.in_words(line), line.count, 0, f"warning:{line.code}")
        for line in report.warnings
        if line.code in analysis.WARNINGS
    ]
    return {
        "targeted": grouped(report.targeted),
        "delivered": delivered,
        "excluded": excluded,
        "causes": causes,
        "is_nobody_excluded": not report.excluded,
        "empty_causes": sum(not cause.count for cause in causes),
        "warnings": [warning for warning in warnings if warning.count],
        "findings": report.remarks,
    }


def why(admin: PlainAdmin) -> View:
    """Every rule that excludes one profile at this moment, and what was decided."""

    def view(request: HttpRequest, pk: int, profile_id: int) -> HttpResponse:
        delivery = delivery_to_see(admin, request, pk)
        profile = get_object_or_404(Profile, pk=profile_id)
        outcomes = Outcome.objects.select_related("rule")
        context = page_context(admin, request, delivery) | {
            "title": _("Why?"),
            "profile": profile,
            "explanation": analysis.explain(delivery, profile),
            "outcome": outcomes.filter(delivery=delivery, profile=profile).first(),
        }
        return TemplateResponse(request, "admin/delivery/delivery/why.html", context)

    return view


def may_export(request: HttpRequest) -> bool:
    """The file has whole addresses."""
    return bool(request.user.has_perms([EXPORT, SEE_ADDRESSES]))


class _Line:
    """A file for the csv writer that hands back each line."""

    def write(self, text: str) -> str:
        return text


def download(admin: PlainAdmin) -> View:
    """The chosen rows as a CSV file, streamed; no cell of it is a formula."""

    def view(request: HttpRequest, pk: int) -> StreamingHttpResponse:
        delivery = delivery_to_see(admin, request, pk)
        if not may_export(request):
            raise PermissionDenied
        run = delivery.latest_analysis
        report = reports.report_of(run) if run else None
        selection = Selection.of(request.GET, report)
        response = StreamingHttpResponse(
            _lines(delivery, selection), content_type="text/csv; charset=utf-8"
        )
        name = selection.show.replace(":", "-")
        response["Content-Disposition"] = (
            f'attachment; filename="delivery-{pk}-{name}.csv"'
        )
        return response

    return view


def _lines(delivery: Delivery, selection: Selection) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield str(writer.writerow(COLUMNS))
    for row in export_rows(selection.rows(delivery)):
        yield str(writer.writerow(safe_cells(row)))


PAGES: dict[str, tuple[str, Callable[[PlainAdmin], View]]] = {
    "outcomes": ("outcomes/", report_and_log),
    "outcomes_csv": ("outcomes.csv", download),
    "why": ("outcomes/why/<int:profile_id>/", why),
}
