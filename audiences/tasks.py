"""Tasks of the background workers: thin over the domain, and safe to repeat."""

from contextlib import suppress

from celery import shared_task

from audiences import endpoints, ledger, privacy
from audiences.api_keys import answers, limits
from audiences.background import figures, jobs
from audiences.console import allowances
from audiences.console.sign_in import sessions
from audiences.endpoints import queue as calls
from audiences.imports import runs
from audiences.ledger import outlets
from audiences.outbox import caps, queue as rows
from audiences.privacy import many, requests, retention
from audiences.selections import bulk_acts
from audiences.signups import proof_of_work, requesting
from audiences.sql import Locked

from . import outbox, subscriptions
from .models import BulkAct, ErasureRun, ImportRun


@shared_task(ignore_result=True)
def send_outbox() -> None:
    """When a mail was put there, and each minute: send what is due."""
    outbox.send_waiting()


@shared_task(ignore_result=True)
def clean_up_requests() -> None:
    """Each night: nothing about unidentified visitors is kept longer than needed."""
    requesting.clean_up()
    privacy.clean_up()
    rows.clean_up()
    proof_of_work.clean_up()
    caps.clean_up()
    runs.clean_up()
    allowances.clean_up()
    sessions.clean_up()
    answers.clean_up()
    limits.clean_up()
    calls.clean_up()


# Queues and schedules of running sites hold the names given to these two.
@shared_task(name="audiences.tasks.work_off_bulk_act", ignore_result=True)
def run_bulk_act(pk: int) -> None:
    """Go on with a change of many people; workers take turns by its row."""
    act = BulkAct.objects.filter(pk=pk).first()
    if act is not None:
        bulk_acts.run(act)


@shared_task(name="audiences.tasks.work_off_import", ignore_result=True)
def run_import(pk: int) -> None:
    """Check a file or import it, from where it is."""
    run = ImportRun.objects.filter(pk=pk).first()
    if run is not None:
        runs.perform(run)


@shared_task(ignore_result=True)
def wake_people_work() -> None:
    """Each minute: go on with what waits or whose worker has died."""
    for act in jobs.forgotten(BulkAct):
        run_bulk_act.delay(act.pk)
    for run in jobs.forgotten(ImportRun):
        run_import.delay(run.pk)


@shared_task(ignore_result=True)
def run_erasure(pk: int) -> None:
    """Erase the people of an erasure of many, from where it is."""
    run = ErasureRun.objects.filter(pk=pk).first()
    if run is not None:
        many.perform(run)


@shared_task(ignore_result=True)
def wake_privacy_work() -> None:
    """Each minute: erase whose answer has left, and go on with erasures of many."""
    requests.carry_out()
    for run in jobs.forgotten(ErasureRun):
        run_erasure.delay(run.pk)


@shared_task(ignore_result=True)
def run_retention() -> None:
    """Each night: what the rules in force say is not kept any longer."""
    retention.run()


@shared_task(ignore_result=True)
def expire_subscriptions() -> None:
    """Each hour: end what has passed its validity."""
    subscriptions.expire()


@shared_task(ignore_result=True)
def refresh_figures() -> None:
    """Each quarter of an hour, and when an operator asks: count for the home page."""
    figures.refresh()


@shared_task(ignore_result=True)
def seal_ledger() -> None:
    """Each half minute: seal what was committed, so that it is a minute behind at most.

    While another process does it, this has nothing to do.
    """
    with suppress(Locked):
        ledger.seal()


@shared_task(ignore_result=True)
def call_endpoint(pk: int) -> None:
    """Tell an endpoint what has happened, for a while; then it queues again."""
    if endpoints.work(pk) and endpoints.unfinished().filter(pk=pk).exists():
        call_endpoint.delay(pk)


@shared_task(ignore_result=True)
def wake_endpoints() -> None:
    """Each five seconds: look for each endpoint whether there is something to tell."""
    for pk in endpoints.unfinished().values_list("pk", flat=True):
        call_endpoint.apply_async((pk,), expires=20)


@shared_task(ignore_result=True)
def publish_checkpoint() -> None:
    """Each five minutes: sign what is new, and send it outside.

    Without a key nothing is signed; a system check and the console say so.
    """
    with suppress(Locked, ledger.NoLedgerKey):
        ledger.make_checkpoint()
        outlets.send()
