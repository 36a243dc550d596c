"""What came of a delivery, on its page *Send*: a chart, and the numbers as tables."""

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from audiences.console.charts import Daily
from audiences.console.numbers import grouped
from audiences.console.pages import Facts
from delivery.models import Delivery
from delivery.models.quarantine import ErrorReason, ErrorType
from delivery.sending.report import SENT, SERIES, report_of


def context(delivery: Delivery) -> Facts:
    """Failures by reason, and what happened day by day; nothing before any message."""
    report = report_of(delivery)
    if not report.days:
        return {}
    bad = [
        sum(day) for day in zip(*(report.values[s] for s in SERIES[2:]), strict=True)
    ]
    return {
        "failures": [_failure(*row) for row in report.failures],
        "by_day": Daily(
            _("Day by day"),
            (_("sent"), _("failed, complained or unsubscribed")),
            report.days,
            (report.values[SENT], bad),
            "delivery-report",
        ),
        "day_heads": [
            *(_("Sent"), _("Delivered"), _("Failed"), _("Complaints")),
            _("Unsubscribed by it"),
        ],
        "day_rows": [
            (
                date_format(day, "SHORT_DATE_FORMAT"),
                [grouped(report.values[name][n]) for name in SERIES],
            )
            for n, day in enumerate(report.days)
        ],
    }


def _failure(reason: str, kind: str, count: int) -> tuple[str, str, str]:
    reasons, kinds = dict(ErrorReason.choices), dict(ErrorType.choices)
    return (
        str(reasons.get(reason, _("No reason"))),
        str(kinds.get(kind, kind)),
        grouped(count),
    )
