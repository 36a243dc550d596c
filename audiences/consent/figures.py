"""How consent changes, day by day, for the home page."""

from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone

from audiences.background import figures
from audiences.models import ConsentEvent

DAYS = 30


@figures.register("consent_by_day")
def consent_by_day() -> dict[str, Any]:
    """Opt-outs and opt-ins of each of the last 30 days, by the index on time."""
    today = timezone.localdate()
    first = today - timedelta(days=DAYS - 1)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = (
        ConsentEvent.objects.filter(
            kind__in=ConsentEvent.FLAG_KINDS,
            at__gte=midnight - timedelta(days=DAYS - 1),
        )
        .order_by()
        .annotate(day=TruncDate("at"))
        .values_list("day", "kind")
        .annotate(count=Count("pk"))
    )
    found = {(day.isoformat(), kind): count for day, kind, count in rows}
    days = [(first + timedelta(days=n)).isoformat() for n in range(DAYS)]
    return {
        "days": days,
        **{
            kind.value: [found.get((day, kind.value), 0) for day in days]
            for kind in ConsentEvent.FLAG_KINDS
        },
    }
