"""Figures that the database knows: asked for when Prometheus asks, and briefly.

What is counted for ever (`…_total`) comes from rows that are only added to, so that all
processes tell the same and none begins at 0 when it starts.

Each question has two seconds. One that takes longer is left out and counted in
`campaign_unanswered_questions`, so that watching a busy site does not make it busier.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Min, QuerySet, Sum
from django.utils import timezone
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector as Collecting

from audiences import ledger
from audiences.background import clock, figures, presence
from audiences.models import (
    BulkAct,
    ConsentEvent,
    ErasureRun,
    ImportRun,
    Lease,
    LedgerCount,
    OutboxMail,
    Presence,
)
from audiences.sql import TooSlow, time_limit
from delivery.feedback import figures as feedback
from delivery.models import Analysis, Dispatch, HookCount, InboundItem, Sending

SECONDS = 2.0
# Deliveries whose sending began this recently are counted by status.
RECENT = timedelta(days=7)
Question = Callable[[], Iterator[Metric]]
QUESTIONS: list[Question] = []
# What operators ask for and workers do.
JOBS = (BulkAct, ImportRun, ErasureRun)


def question(ask: Question) -> Question:
    QUESTIONS.append(ask)
    return ask


class Collector(Collecting):
    def collect(self) -> Iterator[Metric]:
        unanswered = 0
        yield InfoMetricFamily(
            "campaign", "The release.", value={"version": settings.VERSION}
        )
        for ask in QUESTIONS:
            try:
                with time_limit(SECONDS):
                    found = list(ask())
            except (TooSlow, DatabaseError, InterfaceError):
                unanswered += 1
            else:
                yield from found
        yield _gauge(
            "campaign_unanswered_questions",
            "Questions that the database did not answer in time.",
            unanswered,
        )


def _gauge(name: str, about: str, value: float | None) -> Metric:
    found = GaugeMetricFamily(name, about)
    if value is not None:
        found.add_metric([], value)
    return found


def _age(moment: datetime | None) -> float:
    """Seconds since a moment; 0 where nothing waits."""
    return max(0.0, (timezone.now() - moment).total_seconds()) if moment else 0.0


def oldest(rows: QuerySet[OutboxMail]) -> datetime | None:
    found: datetime | None = (
        rows.order_by("due_at").values_list("due_at", flat=True).first()
    )
    return found


def outbox_waiting() -> QuerySet[OutboxMail]:
    """Mails that are due and that nobody has taken."""
    return OutboxMail.objects.filter(
        sent_at__isnull=True,
        claimed_at__isnull=True,
        result="",
        due_at__lte=timezone.now(),
    )


@question
def workers() -> Iterator[Metric]:
    since = timezone.now() - presence.ABSENT
    count = Presence.objects.filter(seen_at__gte=since).count()
    yield _gauge("campaign_workers", "Background workers that are seen.", count)
    yield _gauge(
        "campaign_worker_seen_seconds",
        "Seconds since any worker was seen; absent if none ever was.",
        _age(seen) if (seen := presence.last_seen()) else None,
    )


@question
def ticking() -> Iterator[Metric]:
    lease = Lease.objects.filter(name=clock.NAME).first()
    yield _gauge(
        "campaign_clock_silence_seconds",
        "Seconds since a clock ticked last, beyond its lease; absent if none ever did.",
        _age(lease.until) if lease else None,
    )


@question
def outbox() -> Iterator[Metric]:
    yield _gauge(
        "campaign_outbox_age_seconds",
        "How long the first mail to a visitor has been due.",
        _age(oldest(outbox_waiting())),
    )


@question
def jobs() -> Iterator[Metric]:
    ages = GaugeMetricFamily(
        "campaign_job_age_seconds",
        "How long the first unfinished job that no worker has touched waits.",
        labels=["kind"],
    )
    for kind in JOBS:
        waits = kind._default_manager.filter(
            state__in=kind.UNFINISHED, worked_at__isnull=True
        )
        found = waits.aggregate(first=Min("created_at"))["first"]
        ages.add_metric([kind._meta.model_name or ""], _age(found))
    yield ages


@question
def sendings() -> Iterator[Metric]:
    states = GaugeMetricFamily(
        "campaign_sendings",
        "Deliveries by the state of their sending.",
        labels=["state"],
    )
    for state, count in _counts(Sending.objects.all(), "state"):
        states.add_metric([state], count)
    yield states
    behind = Sending.objects.filter(
        state__in=Sending.UNFINISHED, starts_at__lte=timezone.now()
    )
    signs = [
        row.worked_at or row.starts_at
        for row in behind.only("worked_at", "starts_at")[:100]
    ]
    yield _gauge(
        "campaign_sending_silence_seconds",
        "How long the most silent delivery that is being sent has had no worker.",
        max((_age(sign) for sign in signs), default=0.0),
    )


@question
def messages() -> Iterator[Metric]:
    since = timezone.now() - RECENT
    recent = Sending.objects.filter(started_at__gte=since).values("delivery_id")
    rows = Dispatch.objects.filter(delivery_id__in=recent)
    statuses = GaugeMetricFamily(
        "campaign_messages",
        "Targets of the deliveries of the last seven days, by status.",
        labels=["status"],
    )
    for status, count in _counts(rows, "status"):
        statuses.add_metric([status], count)
    yield statuses
    causes = GaugeMetricFamily(
        "campaign_last_check_exclusions",
        "Those whom the last check withdrew in these deliveries, by cause.",
        labels=["code"],
    )
    for code, count in _counts(rows.filter(status="withdrawn"), "code"):
        causes.add_metric([code], count)
    yield causes


@question
def consent() -> Iterator[Metric]:
    acts = CounterMetricFamily(
        "campaign_consent_events",
        "Acts in the history, by kind and source, once they are sealed.",
        labels=["kind", "source"],
    )
    # From 0 on, or the first act of its kind would be no increase.
    known = product(ConsentEvent.Kind.values, ConsentEvent.Source.values)
    counts = dict.fromkeys(known, 0)
    for row in LedgerCount.objects.all():
        counts[row.kind, row.source] = row.count
    for (kind, source), count in counts.items():
        acts.add_metric([kind, source], count)
    yield acts


@question
def sealing() -> Iterator[Metric]:
    yield _gauge(
        "campaign_ledger_lag_seconds",
        "How long the first event that is not sealed waits.",
        ledger.lag().total_seconds(),
    )


@question
def analyses() -> Iterator[Metric]:
    since = timezone.now() - timedelta(days=1)
    runs = Analysis.objects.filter(finished_at__gte=since)[:1000]
    longest = max((run.seconds for run in runs), default=0.0)
    yield _gauge(
        "campaign_analysis_seconds", "The longest analysis of the last day.", longest
    )


@question
def webhooks() -> Iterator[Metric]:
    calls = CounterMetricFamily(
        "campaign_webhook_calls",
        "Calls of providers, by what became of them.",
        labels=["provider", "outcome"],
    )
    days = HookCount.objects.order_by().values("provider", "outcome")
    rows = days.annotate(n=Sum("count")).values_list("provider", "outcome", "n")
    counts = {(provider, outcome): count for provider, outcome, count in rows}
    for pair in product(
        {provider for provider, _outcome in counts}, HookCount.Outcome.values
    ):
        calls.add_metric([*pair], counts.get(pair, 0))
    yield calls
    waiting = InboundItem.objects.filter(state=InboundItem.State.NEW)
    first = waiting.order_by("received_at").values_list("received_at", flat=True)
    yield _gauge(
        "campaign_inbound_age_seconds",
        "How long the first thing that came back waits to be read.",
        _age(first.first()),
    )


@question
def mailbox() -> Iterator[Metric]:
    read = figures.kept("mailbox_read") if settings.FEEDBACK_IMAP_URL else None
    yield _gauge(
        "campaign_mailbox_read_seconds",
        "Seconds since the mailbox was last read to its end; absent without one.",
        _age(read.at) if read else None,
    )


@question
def complaints() -> Iterator[Metric]:
    """From what the worker has counted and kept."""
    worst = feedback.most_complained_about()
    yield _gauge(
        "campaign_complaints_ratio",
        "The largest share of complaints of a recent delivery; 0 while few complain.",
        worst.rate if worst else 0.0,
    )


def _counts(rows: QuerySet[Any], *names: str) -> Iterator[tuple[Any, ...]]:
    counted = rows.order_by().values(*names).annotate(n=Count("*"))
    yield from counted.values_list(*names, "n")
