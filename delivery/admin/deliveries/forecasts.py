"""What a preparation would find, before there is one (D8): bounded in time.

Nothing is stored. A page waits a few seconds for it and no longer: a preparation, which
blocks nobody, tells the same.
"""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from audiences import sql
from audiences.console.numbers import grouped
from audiences.console.pages import Facts
from audiences.refusals import Refused
from delivery import analysis
from delivery.analysis import Report
from delivery.analysis.reports import Line
from delivery.models import Delivery

SECONDS = 4.0


def context(request: HttpRequest, delivery: Delivery) -> Facts:
    """The forecast when the page asks for it, or why there is none."""
    if "forecast" not in request.GET:
        return {}
    try:
        return {"forecast": _shown(within_time(delivery))}
    except sql.TooSlow:
        return {
            "no_forecast": _(
                "There are too many people to forecast it while you wait. Prepare "
                "it: that sends nothing, and can be stopped."
            )
        }
    except Refused as refused:
        return {"no_forecast": str(refused)}


def _shown(report: Report) -> Facts:
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
