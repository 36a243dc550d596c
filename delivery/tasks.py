"""Tasks of the background workers: thin over the domain, and safe to repeat."""

import time
from datetime import datetime

from celery import shared_task
from django.conf import settings
from django.db import connection

from audiences import sql
from audiences.background import figures
from audiences.refusals import Refused
from delivery.analysis import chunks, definitions, preparation
from delivery.feedback import erasure, intake
from delivery.feedback.mails import imap, mailboxes

from . import analysis, quarantine
from .models import Analysis, Delivery, Sending
from .sending import schedule, sendings, slots, worker

TURN_SECONDS = 20.0


@shared_task(ignore_result=True)
def run_analysis(delivery_id: int) -> None:
    """Run or resume a delivery's analysis, unless another process is running it."""
    delivery = Delivery.objects.filter(pk=delivery_id).first()
    # A message that arrives again after the end must not start it again.
    if delivery is None or not preparation.of(delivery).is_going_on:
        return
    try:
        analysis.analyse(delivery, wait_seconds=0)
    except analysis.AnalysisBusy:
        return
    except Refused as refused:
        preparation.refuse(delivery, str(refused))
    if waiting := schedule.wake_after(delivery):
        run_sending.delay(waiting)


@shared_task(ignore_result=True)
def help_analysis(run_id: int) -> None:
    """Judge chunks of a run until none are left to take."""
    run = (
        Analysis.objects.select_related("delivery__audience").filter(pk=run_id).first()
    )
    if run is None:
        return
    judge = definitions.judge_of(run)
    while chunks.judge_next(run, judge):
        pass


@shared_task(ignore_result=True)
def wake_analyses() -> None:
    """Each minute: start what was asked for, resume where a process has died."""
    for delivery_id in preparation.to_wake():
        run_analysis.delay(delivery_id)


@shared_task(ignore_result=True)
def run_sending(pk: int) -> None:
    """Send a delivery for a while, from where it is; workers share it by its rows.

    Then it queues again behind what has come meanwhile: a long delivery must not keep
    somebody waiting for a link.
    """
    found = Sending.objects.select_related("delivery").filter(pk=pk).first()
    if found is None or not schedule.start_due(found):
        return
    end = time.monotonic() + TURN_SECONDS
    try:
        worker.send(
            found,
            should_stop=lambda: time.monotonic() > end,
            waits=False,
            workers=max(1, settings.SEND_WORKERS),
        )
    except slots.NoSlot:
        return
    except Refused as refused:
        sendings.fail(found, str(refused))
    if time.monotonic() > end:
        _send_on(pk)


def _send_on(pk: int) -> None:
    """Wake a worker for a sending, unless all are busy for as long as a turn takes.

    What was asked for so long ago is forgotten, and the next sweep asks again: so the
    sweeps of a busy day do not become a queue that others wait behind.
    """
    run_sending.apply_async((pk,), expires=TURN_SECONDS)


@shared_task(ignore_result=True)
def wake_sendings() -> None:
    """Each minute: prepare and start what is due, go on where a worker has died."""
    for pk in schedule.to_wake():
        _send_on(pk)


@shared_task(ignore_result=True)
def clean_up_quarantine() -> None:
    """Each night: make erroneous addresses valid again when their time is over (Q5)."""
    quarantine.clean_up()


@shared_task(ignore_result=True)
def read_mailbox() -> None:
    """Each minute: read mail that came back, and items stored but not yet read."""
    if settings.FEEDBACK_IMAP_URL:
        try:
            mailboxes.take_in(
                imap.mails(
                    settings.FEEDBACK_IMAP_URL, delete=settings.FEEDBACK_IMAP_DELETE
                )
            )
        except sql.Locked:
            return  # another worker is still reading it
        # When it was last read to its end, for whoever asks whether it still is.
        figures.keep("mailbox_read", {})
    for _item in intake.process_waiting():
        pass


@shared_task(ignore_result=True)
def apply_inbound() -> None:
    """When a provider has called: read what is stored; the sweep is `read_mailbox`."""
    for _item in intake.process_waiting():
        pass


@shared_task(ignore_result=True)
def find_late_feedback() -> None:
    """Every five minutes: find the messages of what came before they were on record."""
    intake.find_late()


@shared_task(ignore_result=True)
def clean_up_inbound() -> None:
    """Each night: remove items that arrived and are no longer needed."""
    erasure.clean_up()


@shared_task(ignore_result=True)
def release_matching(
    text: str, start: str, end: str, channel: str | None, actor: str
) -> None:
    """Release the addresses of an outage; repeating it finds nothing left."""
    quarantine.release_matching(
        text,
        datetime.fromisoformat(start),
        datetime.fromisoformat(end),
        channel=channel,
        actor=actor,
        source="operator",
    )


def release_quarantine(
    text: str, start: datetime, end: datetime, channel: str | None, *, actor: str
) -> None:
    """Let a worker release the addresses of an outage."""
    release_matching.delay(text, start.isoformat(), end.isoformat(), channel, actor)


def wake_helpers(run: Analysis, count: int) -> None:
    """Ask `count` workers to help with a run; SQLite has one writer and needs none."""
    if connection.vendor == "postgresql":
        for _number in range(count):
            help_analysis.delay(run.pk)
