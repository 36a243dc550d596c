"""Tasks of the background workers: thin over the domain, and safe to repeat."""

from celery import shared_task
from django.conf import settings
from django.db import connection

from audiences import bulk_sql

from . import analysis, chunks, quarantine
from .feedback import erasure, imap, intake, mailboxes
from .models import Analysis, Delivery


@shared_task(ignore_result=True)
def run_analysis(delivery_id: int) -> None:
    """Run or resume a delivery's analysis; leave it to whoever is at it already."""
    delivery = Delivery.objects.filter(pk=delivery_id).first()
    if delivery is not None:
        try:
            analysis.analyse(delivery, wait_seconds=0)
        except analysis.AnalysisRefused:
            return


@shared_task(ignore_result=True)
def help_analysis(run_id: int) -> None:
    """Judge chunks of a run until none are left to take."""
    run = (
        Analysis.objects.select_related("delivery__audience").filter(pk=run_id).first()
    )
    while run is not None and chunks.judge_next(run):
        pass


@shared_task(ignore_result=True)
def wake_analyses() -> None:
    """Each minute: go on with runs whose process has died."""
    running = Analysis.objects.filter(state=Analysis.State.RUNNING)
    for delivery_id in running.values_list("delivery_id", flat=True).distinct():
        run_analysis.delay(delivery_id)


@shared_task(ignore_result=True)
def clean_up_quarantine() -> None:
    """Each night: erroneous addresses whose time is over are valid again (Q5)."""
    quarantine.clean_up()


@shared_task(ignore_result=True)
def read_mailbox() -> None:
    """Each minute: read what came back by mail, and what was stored and not read."""
    if settings.FEEDBACK_IMAP_URL:
        try:
            mailboxes.take_in(
                imap.mails(
                    settings.FEEDBACK_IMAP_URL, delete=settings.FEEDBACK_IMAP_DELETE
                )
            )
        except bulk_sql.Locked:
            return  # another worker is still at it
    for _item in intake.process_waiting():
        pass


@shared_task(ignore_result=True)
def clean_up_inbound() -> None:
    """Each night: what arrived and is done with is not kept longer than needed."""
    erasure.clean_up()


def wake_helpers(run: Analysis, count: int) -> None:
    """Ask so many workers to help with a run; SQLite has one writer and needs none."""
    if connection.vendor == "postgresql":
        for _number in range(count):
            help_analysis.delay(run.pk)
