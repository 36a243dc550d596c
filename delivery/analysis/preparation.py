"""Preparing a delivery in the background: who asked for it, and how far it is.

A request is a job (`audiences.background.jobs`) that is open until a run ends after it
was made, or a worker could not begin. A second request is refused, and names the first.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from audiences.background import jobs
from audiences.refusals import Refused
from delivery.models import Analysis, Delivery, PreparationRequest

from . import run_locks, working

# A running worker takes a request within a second or two.
PATIENCE = timedelta(seconds=8)

WAITING = "waiting"
RUNNING = Analysis.State.RUNNING.value


class PreparationRefused(Refused):
    """The delivery cannot be prepared now; the message says why, or who is doing it."""


@dataclass(frozen=True)
class Preparation:
    """How far the preparation of a delivery is.

    `state` is "waiting", or the state of the latest run; "draft" before the first.
    """

    state: str
    run: Analysis | None
    request: PreparationRequest | None

    @property
    def is_going_on(self) -> bool:
        return self.state in (WAITING, RUNNING)

    @property
    def is_overdue(self) -> bool:
        """Whether no worker has taken the request in reasonable time."""
        asked = self.request.asked_at if self.request else timezone.now()
        return self.state == WAITING and timezone.now() - asked > PATIENCE

    @property
    def is_stopping(self) -> bool:
        return bool(self.state == RUNNING and self.run and self.run.stop_requested)

    @property
    def refusal(self) -> str:
        """Why a worker could not begin after the latest run."""
        request = self.request
        if request is None or self.is_going_on or _ended_after(self.run, request):
            return ""
        return request.refusal


def of(delivery: Delivery) -> Preparation:
    """How far the preparation of a delivery is now."""
    request = PreparationRequest.objects.filter(delivery=delivery).first()
    run = delivery.latest_analysis
    if run and run.state == Analysis.State.RUNNING:
        return Preparation(RUNNING, run, request)
    if request and not request.refusal and not _ended_after(run, request):
        return Preparation(WAITING, run, request)
    return Preparation(run.state if run else Delivery.State.DRAFT, run, request)


def _ended_after(run: Analysis | None, request: PreparationRequest) -> bool:
    return bool(run and run.finished_at and run.finished_at >= request.asked_at)


def ask(delivery: Delivery, *, actor: str) -> PreparationRequest:
    """Ask for the preparation, or for a stopped one to resume.

    Raises PreparationRefused when someone has already asked, a process is running it,
    or messages were handed over.
    """
    with transaction.atomic():
        # Of two who ask at once, the second waits here and then sees the first.
        Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
        if delivery.outcomes_stand:
            raise PreparationRefused(
                _("Its messages were handed over: it stands. Duplicate it instead.")
            )
        present = of(delivery)
        if present.state == WAITING and present.request:
            text = _(
                "{actor} asked for this already, at {time}. It waits for a worker."
            )
            raise PreparationRefused(_said(text, present.request))
        if present.state == RUNNING and run_locks.is_at_work(delivery):
            raise PreparationRefused(_at_work(present))
        request, _is_new = PreparationRequest.objects.update_or_create(
            delivery=delivery,
            defaults={
                "asked_by": actor,
                "asked_at": timezone.now(),
                "refusal": "",
            },
        )
        jobs.wake("delivery.tasks.run_analysis", delivery.pk)
    return request


def _said(text: str, request: PreparationRequest) -> str:
    time = date_format(timezone.localtime(request.asked_at), "H:i")
    return text.format(actor=request.asked_by, time=time)


def _at_work(present: Preparation) -> str:
    run, request = present.run, present.request
    if run and request and request.asked_at <= (run.started_at or request.asked_at):
        text = _("It is being prepared: {actor} asked for it at {time}.")
        return _said(text, request)
    text = _("It is being prepared by process {process} on {host}.")
    return text.format(process=run and run.process, host=run and run.host)


def stop(delivery: Delivery) -> bool:
    """Stop a run after its present chunk, or withdraw a request that no worker took.

    Returns whether there was something to stop.
    """
    if working.request_stop(delivery):
        return True
    present = of(delivery)
    if present.state != WAITING:
        return False
    return bool(PreparationRequest.objects.filter(delivery=delivery).delete()[0])


def refuse(delivery: Delivery, reason: str) -> None:
    """Record why a worker could not begin; no sweep tries again."""
    PreparationRequest.objects.filter(delivery=delivery).update(refusal=reason)


def to_wake() -> list[int]:
    """Ids of deliveries whose preparation was asked for or begun and has not ended."""
    ended = Analysis.objects.filter(
        delivery=OuterRef("delivery"), finished_at__gte=OuterRef("asked_at")
    )
    waiting = PreparationRequest.objects.filter(~Exists(ended), refusal="")
    running = Analysis.objects.filter(state=Analysis.State.RUNNING)
    return sorted(
        {
            *waiting.values_list("delivery_id", flat=True),
            *running.values_list("delivery_id", flat=True),
        }
    )
