"""The page with figures about what came back: rates of failures and complaints."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from audiences.console.lists import grouped
from audiences.work.figures import latest
from delivery.feedback import figures
from delivery.feedback.figures import Complaints, Failures
from delivery.models import InboundItem
from delivery.models.quarantine import ErrorReason

# The drawings are this wide and high, in units of their own.
WIDTH, HEIGHT, ROW = 1000, 160, 18
NOTHING: dict[str, Any] = {"weeks": [], "domains": [], "complaints": []}
REASONS = dict(ErrorReason.choices)


def figures_page(model_admin: Any) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        if not model_admin.has_view_permission(request):
            raise PermissionDenied
        kept = latest().get("feedback")
        data = kept.data if kept else NOTHING
        context = {
            **model_admin.admin_site.each_context(request),
            "opts": InboundItem._meta,
            "title": _("Failures and complaints"),
            "kept": kept,
            "start": date.fromisoformat(data["start"]) if kept else None,
            "weeks": _weeks([Failures.kept(row) for row in data["weeks"]]),
            "domains": [_failures(Failures.kept(row)) for row in data["domains"]],
            "complaints": _complaints(figures.complaints_kept(data["complaints"])),
            "width": WIDTH,
            "height": HEIGHT,
        }
        page = "admin/delivery/inbounditem/figures.html"
        return TemplateResponse(request, page, context)

    return view


def percent(share: float, digits: int = 2) -> str:
    """A share in words; somebody is never 0.00%."""
    least = 10.0**-digits
    if 0 < share * 100 < least / 2:
        return f"<{number_format(least, digits, use_l10n=True)}%"
    return f"{number_format(share * 100, digits, use_l10n=True)}%"


def _failures(row: Failures) -> dict[str, Any]:
    return {
        "name": row.name,
        "sent": grouped(row.sent),
        "failed": grouped(row.failed),
        "rate": percent(row.rate) if row.sent else "",
        "reasons": [
            (REASONS.get(reason, reason), grouped(number))
            for reason, number in row.reasons.most_common(4)
        ],
    }


def _weeks(rows: list[Failures]) -> dict[str, Any]:
    """One bar for each week, on a scale that the highest rate fills."""
    top = max([row.rate for row in rows] + [0.01])
    step = WIDTH / max(len(rows), 1)
    bars = []
    for number, row in enumerate(rows):
        height = round(row.rate / top * (HEIGHT - 10), 1)
        bars.append(
            _failures(row)
            | {
                "week": date_format(date.fromisoformat(row.name), "SHORT_DATE_FORMAT"),
                "x": round(number * step + step * 0.15, 1),
                "y": round(HEIGHT - height, 1),
                "bar_width": round(step * 0.7, 1),
                "bar_height": height,
            }
        )
    return {"bars": bars, "top": percent(top), "any": any(row.sent for row in rows)}


def _complaints(rows: list[Complaints]) -> dict[str, Any]:
    """One bar for each delivery, with the limits of the large receivers drawn in."""
    top = max([row.rate for row in rows] + [figures.COMPLAINTS_LIMIT * 1.25])
    wanted, limit = figures.COMPLAINTS_WANTED, figures.COMPLAINTS_LIMIT
    return {
        "rows": [
            {
                "delivery": row.delivery,
                "sent": grouped(row.sent),
                "complaints": grouped(row.complaints),
                "rate": percent(row.rate),
                "is_over": row.is_over,
                "is_near": row.is_near,
                "bar_width": round(row.rate / top * WIDTH, 1),
            }
            for row in rows
        ],
        "wanted": percent(wanted, 1),
        "limit": percent(limit, 1),
        "wanted_x": round(wanted / top * WIDTH, 1),
        "limit_x": round(limit / top * WIDTH, 1),
    }
