"""Tasks of the background workers: thin over the domain, and safe to repeat."""

from celery import shared_task

from . import figures, link_requests, outbox, proof_of_work, request_caps


@shared_task(ignore_result=True)
def send_outbox() -> None:
    """When a mail was put there, and each minute: send what is due."""
    outbox.send_waiting()


@shared_task(ignore_result=True)
def clean_up_requests() -> None:
    """Each night: nothing about unidentified visitors is kept longer than needed."""
    link_requests.clean_up()
    outbox.clean_up()
    proof_of_work.clean_up()
    request_caps.clean_up()


@shared_task(ignore_result=True)
def refresh_figures() -> None:
    """Each quarter of an hour, and when an operator asks: count for the home page."""
    figures.refresh()
