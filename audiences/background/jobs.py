"""Jobs: rows that background workers take, work on and end.

A request writes a row and wakes a worker. With each piece of work the worker writes
down how far it is, so that another can carry on if it dies. Each minute a sweep wakes
workers for jobs that wait or have lost theirs, so a lost message loses nothing. Work
that only one process may do at a time holds a `sql.process_lock`.
"""

from datetime import timedelta
from typing import Any, TypeVar

from celery import current_app
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from audiences.models import Job

# An unfinished job without a sign of work for this long has lost its worker.
SILENCE = timedelta(minutes=2)
J = TypeVar("J", bound=Job)


def wake(task: str, *ids: int) -> None:
    """Wake a worker once the transaction has committed.

    It takes the task's name, because the module of tasks imports the domain. The
    message is tried once, because somebody waits; if the queue is down, the sweep
    follows within a minute.
    """

    def send() -> None:
        current_app.send_task(task, ids, retry=True, retry_policy={"max_retries": 0})

    transaction.on_commit(send, robust=True)


def _unfinished(kind: type[J]) -> QuerySet[J]:
    return kind._default_manager.filter(state__in=kind.UNFINISHED)


def forgotten(kind: type[J]) -> QuerySet[J]:
    """Jobs that wait, or whose worker has been silent for too long."""
    silent = Q(worked_at=None) | Q(worked_at__lt=timezone.now() - SILENCE)
    return _unfinished(kind).filter(silent)


def waits_long(job: Job) -> bool:
    """Whether no worker has taken the job, although the sweep must have tried."""
    asked = job.created_at < timezone.now() - SILENCE
    return job.is_unfinished and job.worked_at is None and asked


def beat(job: Job, **facts: Any) -> bool:
    """Write down a sign of work and what was done; False if the job has ended."""
    rows = _unfinished(type(job)).filter(pk=job.pk)
    return bool(rows.update(worked_at=timezone.now(), **facts))


def end(job: Job, state: str, *, before: Any = None, **facts: Any) -> bool:
    """End a job that is in one of the states `before`, or else unfinished.

    Returns whether it was: of two that end a job, only one does.
    """
    rows = type(job)._default_manager.filter(
        pk=job.pk, state__in=before or job.UNFINISHED
    )
    return bool(rows.update(state=state, finished_at=timezone.now(), **facts))
