"""A page that holds a delivery beside an earlier one: why fewer than last week?"""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _, gettext_lazy

from audiences import sql
from audiences.console.numbers import grouped, percentage, signed, signed_points
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from delivery.analysis import comparison
from delivery.analysis.comparison import Change, Moves
from delivery.models import Delivery

from . import steps

SHOWN = 30
# Seconds that the page waits for the count of who moved; longer when it is asked for.
AT_ONCE, WHEN_ASKED = 0.2, 30.0


@page(Delivery, "compare", "view", title=gettext_lazy("Compare"))
def compare(admin: PlainAdmin, request: HttpRequest, later: Delivery) -> Answer:
    """Each cause in both, with the differences; and who moved where."""
    chosen = list(comparison.candidates(later)[:SHOWN])
    earlier = _chosen(request, later, chosen)
    facts: Facts = {"delivery": later, "earlier": earlier, "candidates": chosen}
    facts |= steps.context(request, later)
    run = later.latest_analysis
    before = earlier and earlier.latest_analysis
    if not (earlier and run and before and run.state == before.state == "ready"):
        return facts
    rows = comparison.changes(before, run)
    targeted = (before.targeted, run.targeted, 100.0, 100.0)
    return facts | {
        "rows": [_row(row) for row in rows if row.now or row.before],
        "total": _row(Change("", _("Targeted"), *targeted)),
        "moves": _shown(_moves(request, earlier, later)),
    }


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
        "difference": signed(change.difference),
        "points": signed_points(change.difference_of_share),
    }


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
