"""The work behind the scenes: who does it, and what is late."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from audiences import ledger
from audiences.background import clock, figures, presence
from audiences.models import Lease, Presence
from campaign.monitoring import gauges
from campaign.monitoring.machine import ask_queue
from delivery.feedback import figures as feedback
from delivery.models import InboundItem, Sending

from .findings import Finding, examination, fine, note, serious, warning

_START = (
    "Start one: manage.py worker, or manage.py serve for all of it. Its log says why "
    "it ended."
)
LATE = timedelta(minutes=5)


def ago(moment: datetime) -> str:
    seconds = max(0, int((timezone.now() - moment).total_seconds()))
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name} ago"
    return f"{seconds} seconds ago"


@examination("worker", night="no-worker-is-seen")
def worker() -> Iterator[Finding]:
    seen = presence.last_seen()
    if seen is None:
        yield serious("worker", "none was ever seen", _START)
    elif not presence.somebody_works():
        yield serious("worker", f"none was seen since {ago(seen)}", _START)
    else:
        yield fine("worker", f"seen {ago(seen)}")
        others = {p.version for p in Presence.objects.all()} - {
            settings.VERSION,
            "",
        }
        if others:
            yield warning(
                "worker",
                f"some run release {', '.join(sorted(others))}, this is "
                f"{settings.VERSION}",
                "Restart the workers after an upgrade.",
            )


@examination("clock of the work", night="no-worker-is-seen")
def ticking() -> Iterator[Finding]:
    lease = Lease.objects.filter(name=clock.NAME).first()
    if lease is None or lease.until < timezone.now() - LATE:
        since = f"since {ago(lease.until)}" if lease else "yet"
        yield serious("clock of the work", f"none has ticked {since}", _START)
    else:
        yield fine("clock of the work", f"kept by {lease.holder}")


@examination("queue", night="the-queue-is-away")
def queue() -> Iterator[Finding]:
    if settings.CELERY_BROKER_FOLDERS:
        yield note(
            "queue",
            "folders beside the database: for one machine",
            "With several machines set CELERY_BROKER_URL to Redis or RabbitMQ.",
        )
        return
    try:
        ask_queue()
    except Exception as error:
        yield serious(
            "queue",
            f"it cannot be reached ({type(error).__name__})",
            "See that it runs, and that CELERY_BROKER_URL names it. Nothing is lost: "
            "what is to be done stands in the database.",
        )
    else:
        yield fine("queue", "reached")


@examination("what waits", night="mails-wait")
def waiting() -> Iterator[Finding]:
    facts: list[tuple[str, datetime | None, str, str]] = [
        (
            "outbox",
            gauges.oldest(gauges.outbox_waiting()),
            "Mails to visitors wait. See EMAIL_URL and the worker's log; manage.py "
            "send_outbox tries now.",
            "mails-wait",
        )
    ]
    for kind in gauges.JOBS:
        rows = kind._default_manager.filter(
            state__in=kind.UNFINISHED, worked_at__isnull=True
        )
        first = rows.order_by("created_at").values_list("created_at", flat=True).first()
        name = str(kind._meta.verbose_name_plural)
        facts.append((name, first, _START, "no-worker-is-seen"))
    due = Sending.objects.filter(
        state__in=Sending.UNFINISHED, starts_at__lte=timezone.now()
    )
    signs = [row.worked_at or row.starts_at for row in due[:100]]
    facts.append(("sending", min(signs, default=None), _START, "mails-wait"))
    new = InboundItem.objects.filter(state=InboundItem.State.NEW)
    first = new.order_by("received_at").values_list("received_at", flat=True).first()
    facts.append(("what came back", first, _START, "what-came-back-is-not-read"))
    for subject, since, remedy, night in facts:
        if since and since < timezone.now() - LATE:
            what = f"something has waited since {ago(since)}"
            yield serious(subject, what, remedy, night)
        else:
            yield fine(subject, "nothing waits for long")


@examination("ledger", night="the-ledger-is-behind")
def sealing() -> Iterator[Finding]:
    lag = ledger.lag()
    if lag > LATE:
        yield serious(
            "ledger",
            f"events have not been sealed for {lag.total_seconds() / 60:.0f} minutes",
            "manage.py seal_ledger says why; a worker does it each half minute.",
        )
    else:
        yield fine("ledger", f"{lag.total_seconds():.0f} seconds behind")


@examination("mailbox", night="what-came-back-is-not-read")
def mailbox() -> Iterator[Finding]:
    if not settings.FEEDBACK_IMAP_URL:
        yield _of_a_pipe()
        return
    read = figures.kept("mailbox_read")
    if read is None or read.at is None:
        yield warning("mailbox", "it was never read to its end", _MAILBOX)
    elif read.at < timezone.now() - LATE:
        yield serious("mailbox", f"last read {ago(read.at)}", _MAILBOX)
    else:
        yield fine("mailbox", f"read {ago(read.at)}")


def _of_a_pipe() -> Finding:
    """Mails for which no mailbox is read come by a pipe, and then some have come."""
    named = [
        name
        for name in ("UNSUBSCRIBE_MAILBOX", "BOUNCE_MAILBOX")
        if getattr(settings, name)
    ]
    if not named or InboundItem.objects.filter(source="mail").exists():
        return note("mailbox", "none is read (FEEDBACK_IMAP_URL)")
    return warning(
        "mailbox",
        f"{' and '.join(named)} are named in what we send, and no mail to them was "
        "ever read",
        "FEEDBACK_IMAP_URL, or a pipe of your mail server: docs/feedback.md, Setting "
        "up the mailbox.",
    )


@examination("complaints", night="complaints-are-many")
def complaints() -> Iterator[Finding]:
    """As the figures of the console have counted them, a quarter of an hour ago."""
    worst = feedback.most_complained_about()
    if worst is None:
        yield fine("complaints", "below what large receivers ask of senders")
        return
    tell = serious if worst.is_over else warning
    yield tell(
        "complaints",
        f"{worst.complaints:,} of the {worst.sent:,} messages of "
        f"“{worst.delivery.label}” were complained about ({worst.rate:.2%}); large "
        f"receivers ask for less than {feedback.COMPLAINTS_WANTED:.1%}, and refuse "
        f"mail from {feedback.COMPLAINTS_LIMIT:.1%}",
        "See whom it went to, and why they did not expect it, before the next one.",
    )


_MAILBOX = "manage.py process_mail --imap reads it now, and says what fails."
