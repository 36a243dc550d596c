"""How many messages fail and where, and how many recipients complain.

A message counts once, however many reports there are of it. All counts read indexes of
their period or of their delivery; the background worker makes and keeps them.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Lower, StrIndex, Substr, TruncWeek
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences.background import figures
from audiences.channels import Channel
from audiences.records import summaries
from audiences.records.summaries import Period, counted
from delivery.models import Delivery, EventKind, InboundItem, Message, MessageEvent
from delivery.models.quarantine import ErrorType

WEEKS = 12
SHOWN = 20
# What large receivers demand of senders: complaints for each message (Gmail, Yahoo).
COMPLAINTS_WANTED = 0.001
COMPLAINTS_LIMIT = 0.003
# Fewer say nothing of a delivery: among a hundred recipients one is a percent.
LEAST_COMPLAINTS = 5
# Complaints of before are no alarm: what could be done has been done, or not.
RECENT = timedelta(days=3)


@dataclass
class Failures:
    """Messages of one domain or week: handed over, failed, failed by reason."""

    name: str
    sent: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @classmethod
    def kept(cls, data: dict[str, Any]) -> "Failures":
        return cls(data["name"], data["sent"], Counter(data["reasons"]))

    def to_keep(self) -> dict[str, Any]:
        return {"name": self.name, "sent": self.sent, "reasons": dict(self.reasons)}

    @property
    def failed(self) -> int:
        return sum(self.reasons.values())

    @property
    def rate(self) -> float:
        return self.failed / self.sent if self.sent else 0.0


@dataclass(frozen=True)
class Complaints:
    """What came of one delivery."""

    delivery: Delivery
    sent: int
    complaints: int

    @property
    def rate(self) -> float:
        return self.complaints / self.sent if self.sent else 0.0

    @property
    def is_over(self) -> bool:
        return self.rate >= COMPLAINTS_LIMIT

    @property
    def is_near(self) -> bool:
        return COMPLAINTS_WANTED <= self.rate < COMPLAINTS_LIMIT


@figures.register("feedback")
def count() -> dict[str, Any]:
    """All of them, as data to keep: months of messages are not counted in a request."""
    start = since()
    return {
        "start": start.date().isoformat(),
        "weeks": [row.to_keep() for row in failures_by_week(start)],
        "domains": [row.to_keep() for row in failures_by_domain(start)],
        "complaints": [
            [row.delivery.pk, row.sent, row.complaints]
            for row in complaints_by_delivery()
        ],
    }


def complaints_kept(rows: list[list[int]]) -> list[Complaints]:
    """What `count` kept of them, without deliveries that are gone."""
    deliveries = Delivery.objects.in_bulk([pk for pk, _sent, _complaints in rows])
    return [
        Complaints(deliveries[pk], sent, complaints)
        for pk, sent, complaints in rows
        if pk in deliveries
    ]


def most_complained_about() -> Complaints | None:
    """The delivery with the largest share of complaints, as they were last counted.

    None unless large receivers want it smaller, and complaints still come in.
    """
    kept = figures.kept("feedback")
    rows = complaints_kept(kept.data["complaints"]) if kept else []
    many = [
        row
        for row in rows
        if row.rate >= COMPLAINTS_WANTED
        and row.complaints >= LEAST_COMPLAINTS
        and _are_recent(row.delivery)
    ]
    return max(many, key=lambda row: row.rate, default=None)


def _are_recent(delivery: Delivery) -> bool:
    return MessageEvent.objects.filter(
        kind=EventKind.COMPLAINT,
        message__delivery=delivery,
        at__gte=timezone.now() - RECENT,
    ).exists()


def since(now: datetime | None = None) -> datetime:
    """The Monday on which the period of the figures begins."""
    today = timezone.localtime(now or timezone.now()).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return today - timedelta(days=today.weekday(), weeks=WEEKS - 1)


def failures_by_domain(start: datetime) -> list[Failures]:
    """The domains with most failures, of the emails handed over since a moment."""
    rows: dict[str, Failures] = {}
    for domain, reason, number in (
        _failed(start)
        .values_list("domain", "reason")
        .annotate(number=Count("pk"))
        .order_by()
    ):
        name = domain or ""
        rows.setdefault(name, Failures(name)).reasons[reason] += number
    worst = sorted(rows.values(), key=lambda row: (-row.failed, row.name))[:SHOWN]
    domain_of = Lower(
        Substr("address", StrIndex("address", Value("@")) + 1),
        output_field=CharField(),
    )
    sent = (
        _sent(start)
        .annotate(domain=domain_of)
        .filter(domain__in=[row.name for row in worst])
        .values_list("domain")
        .annotate(number=Count("pk"))
        .order_by()
    )
    for domain, number in sent:
        rows[domain].sent = number
    return worst


def failures_by_week(start: datetime) -> list[Failures]:
    """Each week since a moment, by when its messages were handed over."""
    reasons: dict[date, Counter[str]] = defaultdict(Counter)
    failed = (
        _failed(start)
        .annotate(week=TruncWeek("message__sent_at"))
        .values_list("week", "reason")
        .annotate(number=Count("pk"))
        .order_by()
    )
    for week, reason, number in failed:
        reasons[week.date()][reason] += number
    sent = {
        week.date(): number
        for week, number in _sent(start)
        .annotate(week=TruncWeek("sent_at"))
        .values_list("week")
        .annotate(number=Count("pk"))
        .order_by()
    }
    weeks = [start.date() + timedelta(weeks=number) for number in range(WEEKS)]
    return [Failures(w.isoformat(), sent.get(w, 0), reasons[w]) for w in weeks]


def _failed(start: datetime) -> QuerySet[MessageEvent]:
    """Failures of emails handed over since a moment; what was ignored is no failure.

    Of several reports about one message the first that arrived counts.
    """
    failures = MessageEvent.objects.filter(kind=EventKind.FAILED).exclude(
        type=ErrorType.IGNORED
    )
    earlier = failures.filter(message=OuterRef("message"), pk__lt=OuterRef("pk"))
    return failures.filter(
        ~Exists(earlier),
        at__gte=start,
        channel=Channel.EMAIL,
        message__sent_at__gte=start,
    )


def _sent(start: datetime) -> QuerySet[Message]:
    return Message.objects.filter(channel=Channel.EMAIL, sent_at__gte=start)


def complaints_by_delivery() -> list[Complaints]:
    """The latest email deliveries that were handed over, newest first."""
    handed_over = Message.objects.filter(delivery=OuterRef("pk"))
    latest = list(
        Delivery.objects.filter(Exists(handed_over), channel=Channel.EMAIL).order_by(
            "-pk"
        )[:SHOWN]
    )
    sent = dict(
        Message.objects.filter(delivery__in=latest)
        .values_list("delivery")
        .annotate(number=Count("pk"))
        .order_by()
    )
    complaints = dict(
        MessageEvent.objects.filter(
            kind=EventKind.COMPLAINT, message__delivery__in=latest
        )
        .values_list("message__delivery")
        .annotate(number=Count("message", distinct=True))
        .order_by()
    )
    return [
        Complaints(row, sent.get(row.pk, 0), complaints.get(row.pk, 0))
        for row in latest
    ]


# ------------------------------------------------------------------ the morning summary
def _complaints(period: Period) -> str:
    rows = MessageEvent.objects.filter(period.q(), kind=EventKind.COMPLAINT)
    return _("Complaints: {count}").format(count=rows.count())


def _waits(period: Period) -> str:
    rows = InboundItem.objects.filter(state__in=InboundItem.WAITING)
    return counted(_("Things that came back and wait: {count}"), rows.count())


summaries.happened.add("complaints", _complaints)
summaries.waits.add("inbound", _waits)
