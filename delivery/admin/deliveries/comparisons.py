"""A page that holds a delivery beside an earlier one: why fewer than last week?"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from audiences import sql
from audiences.console.lists import PlainAdmin, grouped
from delivery.admin.deliveries.outcomes import delivery_to_see, page_context, percentage
from delivery.analysis import comparison
from delivery.analysis.comparison import Change, Moves
from delivery.models import Delivery

SHOWN = 30
MINUS = "\N{MINUS SIGN}"
# Seconds that the page waits for the count of who moved; longer when it is asked for.
AT_ONCE, WHEN_ASKED = 0.2, 30.0


def compare(admin: PlainAdmin) -> Any:
    """Each cause in both, with the differences; and who moved where."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        later = delivery_to_see(admin, request, pk)
        chosen = list(comparison.candidates(later)[:SHOWN])
        earlier = _chosen(request, later, chosen)
        context = page_context(admin, request, later) | {
            "title": _("Compare"),
            "earlier": earlier,
            "candidates": chosen,
        }
        run = later.latest_analysis
        before = earlier and earlier.latest_analysis
        if run and before and run.state == before.state == "ready":
            rows = comparison.changes(before, run)
            context |= {
                "rows": [_row(row) for row in rows if row.now or row.before],
                "total": _row(
                    Change(
                        "", _("Targeted"), before.targeted, run.targeted, 100.0, 100.0
                    )
                ),
                "moves": earlier and _shown(_moves(request, earlier, later)),
            }
        template = "admin/delivery/delivery/compare.html"
        return TemplateResponse(request, template, context)

    return view


def _chosen(
    request: HttpRequest, later: Delivery, candidates: list[Delivery]
) -> Delivery | None:
    wanted = request.GET.get("with", "")
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 19:
        return comparison.candidates(later).filter(pk=int(wanted)).first()
    first = candidates[0] if candidates else None
    return comparison.previous(later) or first


def _row(change: Change) -> dict[str, Any]:
    return {
        "label": change.label,
        "is_target": change.code == "",
        "before": grouped(change.before),
        "now": grouped(change.now),
        "share_before": percentage(change.share_before),
        "share_now": percentage(change.share_now),
        "difference": _signed(change.difference),
        "points": _points(change.difference_of_share),
    }


def _points(difference: float) -> str:
    if abs(difference) < 0.05:
        return number_format(0, 1)
    return ("+" if difference > 0 else MINUS) + number_format(
        round(abs(difference), 1), 1
    )


def _signed(number: int) -> str:
    if not number:
        return "0"
    return ("+" if number > 0 else MINUS) + grouped(abs(number))


def _moves(request: HttpRequest, earlier: Delivery, later: Delivery) -> Moves | None:
    """Who moved; None when it takes longer than the page waits."""
    limit = WHEN_ASKED if "count" in request.GET else AT_ONCE
    try:
        with sql.time_limit(limit):
            return comparison.moves(earlier, later)
    except sql.TooSlow:
        return None


def _shown(moves: Moves | None) -> dict[str, Any] | None:
    """The moves with their numbers as the language writes them."""
    if moves is None:
        return None
    return {
        "stayed": grouped(moves.stayed),
        "lost": [(move.label, grouped(move.count)) for move in moves.lost],
        "gained": [(move.label, grouped(move.count)) for move in moves.gained],
    }


PAGES: dict[str, tuple[str, Callable[[PlainAdmin], Any]]] = {
    "compare": ("compare/", compare),
}
