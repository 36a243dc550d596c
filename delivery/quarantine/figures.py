"""Figures counted in the background: growth of the quarantine, signs of an outage."""

from collections import Counter
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences.background import figures
from audiences.models import AddressStatus
from audiences.records import summaries
from audiences.records.summaries import Period
from delivery.models import AddressError, QuarantineEntry
from delivery.models.quarantine import ErrorType

DAYS = 30
_STOPPED = (AddressStatus.QUARANTINE, AddressStatus.DENYLISTED)
# This many addresses with the same error text in two days may mean an outage.
OUTAGE = 20
OUTAGE_DAYS = 2
# Reasons that point to a server rather than to an address.
_OF_SERVERS = ("unreachable", "refused", "not_defined", "not_connected")


@figures.register("quarantine_growth")
def quarantine_growth() -> dict[str, Any]:
    """Addresses that get nothing, by reason and by the day of their last error."""
    today = timezone.localdate()
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    begin = midnight - timedelta(days=DAYS - 1)
    week = midnight - timedelta(days=6)
    stopped = QuarantineEntry.objects.filter(status__in=_STOPPED).order_by()
    by_reason = stopped.values_list("reason").annotate(
        total=Count("pk"),
        week=Count("pk", filter=Q(last_error_at__gte=week)),
        month=Count("pk", filter=Q(last_error_at__gte=begin)),
    )
    daily = (
        stopped.filter(last_error_at__gte=begin)
        .annotate(day=TruncDate("last_error_at"))
        .values_list("day")
        .annotate(count=Count("pk"))
    )
    found = {day.isoformat(): count for day, count in daily}
    first = today - timedelta(days=DAYS - 1)
    days = [(first + timedelta(days=n)).isoformat() for n in range(DAYS)]
    return {
        "reasons": sorted(([*row] for row in by_reason), key=lambda row: -row[1]),
        "days": days,
        "added": [found.get(day, 0) for day in days],
    }


@figures.register("outages")
def outages() -> list[dict[str, Any]]:
    """Error texts that many addresses got in two days: a server may be in trouble."""
    since = timezone.now() - timedelta(days=OUTAGE_DAYS)
    rows = (
        AddressError.objects.filter(at__gte=since, reason__in=_OF_SERVERS)
        .exclude(type=ErrorType.IGNORED)
        .exclude(text="")
        .order_by()
        .values_list("channel", "reason", "text")
        .annotate(count=Count("key", distinct=True))
    )
    groups: Counter[tuple[str, str, str]] = Counter()
    for channel, reason, text, count in rows.order_by("-count")[:50]:
        groups[channel, reason, text[:120]] += count
    return [
        {"channel": channel, "reason": reason, "text": text, "count": count}
        for (channel, reason, text), count in groups.most_common(3)
        if count >= OUTAGE
    ]


def _grown(period: Period) -> str:
    """Whose last error was on that day: read by the index of the operators' list."""
    rows = QuarantineEntry.objects.filter(
        period.q("last_error_at"), status__in=_STOPPED
    )
    return _("Addresses that came into quarantine: {count}").format(count=rows.count())


summaries.happened.add("quarantine", _grown)
