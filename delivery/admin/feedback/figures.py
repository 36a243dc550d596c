"""The page with figures about what came back: rates of failures and complaints."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy

from audiences.background.figures import latest
from audiences.console import charts
from audiences.console.numbers import grouped, rate
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from delivery.feedback import figures
from delivery.feedback.figures import Complaints, Failures
from delivery.models import InboundItem
from delivery.models.quarantine import ErrorReason

# How high the drawing of the weeks is, in units of its own.
HEIGHT = 160
NOTHING: dict[str, Any] = {"weeks": [], "domains": [], "complaints": []}
REASONS = dict(ErrorReason.choices)


@page(
    InboundItem,
    "figures",
    "view",
    route="figures/",
    title=gettext_lazy("Failures and complaints"),
)
def figures_page(admin: PlainAdmin, request: HttpRequest) -> Answer:
    """How many emails failed or led to a complaint, as the worker counted them last."""
    kept = latest().get("feedback")
    data = kept.data if kept else NOTHING
    return {
        "kept": kept,
        "start": date.fromisoformat(data["start"]) if kept else None,
        "weeks": _weeks([Failures.kept(row) for row in data["weeks"]]),
        "domains": [
            _failures(row, row.name) for row in map(Failures.kept, data["domains"])
        ],
        "complaints": _complaints(figures.complaints_kept(data["complaints"])),
        "width": charts.BAR,
        "height": HEIGHT,
    }


@dataclass(frozen=True)
class FailureLine:
    """How many emails of a week or to a domain failed; a week has a column."""

    name: str
    sent: str
    failed: str
    rate: str
    reasons: list[tuple[str, str]]
    column: charts.Bar | None = None


def _failures(
    row: Failures, name: str, column: charts.Bar | None = None
) -> FailureLine:
    return FailureLine(
        name=name,
        sent=grouped(row.sent),
        failed=grouped(row.failed),
        rate=rate(100 * row.rate) if row.sent else "",
        reasons=[
            (str(REASONS.get(reason, reason)), grouped(number))
            for reason, number in row.reasons.most_common(4)
        ],
        column=column,
    )


def _weeks(rows: list[Failures]) -> Facts:
    """One column for each week, on a scale that the highest rate fills."""
    rates = [row.rate for row in rows]
    top = max([*rates, 0.01])
    columns = charts.columns(rates, (HEIGHT - 10) / top, HEIGHT)
    days = [date.fromisoformat(row.name) for row in rows]
    weeks = [
        _failures(row, date_format(day, "SHORT_DATE_FORMAT"), column)
        for row, day, column in zip(rows, days, columns, strict=True)
    ]
    return {
        "rows": weeks,
        "top": rate(100 * top),
        "any": any(row.sent for row in rows),
    }


def _complaints(rows: list[Complaints]) -> Facts:
    """One bar for each delivery, with the limits of the large receivers drawn in."""
    top = max([row.rate for row in rows] + [figures.COMPLAINTS_LIMIT * 1.25])
    wanted, limit = figures.COMPLAINTS_WANTED, figures.COMPLAINTS_LIMIT
    return {
        "rows": [
            {
                "delivery": row.delivery,
                "sent": grouped(row.sent),
                "complaints": grouped(row.complaints),
                "rate": rate(100 * row.rate),
                "is_over": row.is_over,
                "is_near": row.is_near,
                "bar_width": charts.length(row.rate, top),
            }
            for row in rows
        ],
        "wanted": rate(100 * wanted, 1),
        "limit": rate(100 * limit, 1),
        "wanted_x": charts.length(wanted, top),
        "limit_x": charts.length(limit, top),
    }
