"""What came of a delivery over time: failures by reason, and each day what happened."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate

from audiences.models import ConsentEvent
from delivery.models import Delivery, EventKind, Message, MessageEvent

# The first so many days are shown one by one; what came later is in the counts.
DAYS = 14
SENT, LEFT = "sent", "unsubscribed"
# What happens to messages, in the order of the table.
SERIES = (
    SENT,
    EventKind.DELIVERED.value,
    EventKind.FAILED.value,
    EventKind.COMPLAINT.value,
    LEFT,
)


@dataclass(frozen=True)
class Report:
    """Failures by reason and type, most first; days with a count for each of SERIES."""

    failures: list[tuple[str, str, int]]
    days: list[date]
    values: dict[str, list[int]]


def report_of(delivery: Delivery) -> Report:
    """What came of a delivery. Six statements, whatever the number of messages."""
    first = delivery.messages.order_by("sent_at").first()
    if first is None:
        return Report([], [], {})
    counts = _counts(delivery)
    start = min(day for found in counts.values() for day in found)
    end = max(day for found in counts.values() for day in found)
    length = min((end - start).days + 1, DAYS)
    days = [start + timedelta(days=n) for n in range(length)]
    values = {name: [counts[name][day] for day in days] for name in SERIES}
    return Report(_failures(delivery), days, values)


def _counts(delivery: Delivery) -> dict[str, Counter[date]]:
    """How many of each happened on each day, in the site's zone."""
    found = {name: Counter[date]() for name in SERIES}
    sent = Message.objects.filter(delivery=delivery)
    for day, count in _by_day(sent, "sent_at", "pk"):
        found[SENT][day] = count
    events = MessageEvent.objects.filter(message__delivery=delivery)
    for name in SERIES[1:4]:
        for day, count in _by_day(events.filter(kind=name), "at", "message"):
            found[name][day] = count
    kinds = (ConsentEvent.Kind.OPT_OUT, ConsentEvent.Kind.UNSUBSCRIBE)
    left = ConsentEvent.objects.filter(delivery_id=delivery.pk, kind__in=kinds)
    for day, count in _by_day(left, "at", "profile_id"):
        found[LEFT][day] = count
    return found


def _by_day(
    rows: QuerySet[Any, Any], moment: str, what: str
) -> Iterator[tuple[date, int]]:
    days = rows.order_by().annotate(day=TruncDate(moment)).values_list("day")
    yield from days.annotate(count=Count(what, distinct=True))


def _failures(delivery: Delivery) -> list[tuple[str, str, int]]:
    rows = MessageEvent.objects.filter(
        message__delivery=delivery, kind=EventKind.FAILED
    )
    found = rows.order_by().values_list("reason", "type")
    counted = found.annotate(count=Count("message", distinct=True))
    return sorted(counted, key=lambda row: (-row[2], row[0]))
