"""A scheduled start: prepared once more right before it, or paused with a reason.

What was prepared longer than an hour before its moment is prepared again, and nothing
is claimed before that has ended well and is of the same definition. Each step is one
transaction under the lock of the delivery, and leaves a row that says what comes next:
a worker that is killed leaves it to the sweep.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from delivery.analysis import definitions, preparation
from delivery.analysis.preparation import Preparation
from delivery.models import Analysis, Delivery, Sending

from .sendings import in_zone

State = Sending.State
# An analysis that is older when it begins is made again.
FRESH = timedelta(hours=1)
# So long before its moment that is begun.
LEAD = timedelta(minutes=10)
# What could not begin for so long waits for somebody: nobody wants it in the night.
LATEST = timedelta(hours=1)
# A sending in which nobody has claimed anything for so long has no worker.
SILENCE = timedelta(seconds=10)


def start_due(sending: Sending) -> bool:
    """Do the next step of a scheduled sending; returns whether it is sending now."""
    if sending.state == State.SCHEDULED:
        with transaction.atomic():
            # Nobody begins to prepare or to change it meanwhile.
            Delivery.objects.select_for_update(of=("self",)).get(pk=sending.delivery_id)
            rows = Sending.objects.select_for_update(of=("self",))
            row = rows.get(pk=sending.pk)
            if row.state == State.SCHEDULED:
                _step(row, timezone.now())
        sending.refresh_from_db()
    return sending.state == State.SENDING


def to_wake() -> list[int]:
    """Ids of sendings that have a step to do now: one for each worker to wake.

    One where the work goes on, for any of several workers may have died; as many as
    there may be where nobody has claimed anything for a while.
    """
    now = timezone.now()
    due = Q(state__in=Sending.UNFINISHED, starts_at__lte=now + LEAD)
    unprepared = Q(state=State.SCHEDULED, analysis=None)
    found, workers = [], max(1, settings.SEND_WORKERS)
    rows = Sending.objects.filter(due | unprepared).order_by("pk")
    for pk, state, worked_at in rows.values_list("pk", "state", "worked_at"):
        is_silent = worked_at is None or now - worked_at > SILENCE
        is_sending = state == State.SENDING
        found += [pk] * (workers if is_sending and is_silent else 1)
    return found


def wake_after(delivery: Delivery) -> int | None:
    """The sending that waits for the preparation of this delivery, if one does."""
    rows = Sending.objects.filter(delivery=delivery, preparing_since__isnull=False)
    return rows.values_list("pk", flat=True).first()


def _step(row: Sending, now: datetime) -> None:
    present = preparation.of(row.delivery)
    is_preparing = row.preparing_since is not None
    if now > row.starts_at + LATEST:
        text = _(
            "It was to begin at {time}, and nothing could begin it for an hour. Resume "
            "begins it now; or cancel it."
        )
        _pause(row, text.format(time=in_zone(row.starts_at)))
    elif is_preparing and present.is_going_on:
        return
    elif is_preparing and (reason := _why_not_ready(row, present)):
        _pause(row, reason)
    else:
        if is_preparing:
            row.preparing_since, row.analysis = None, present.run
            row.save(update_fields=["preparing_since", "analysis"])
        _with(row, present, now)


def _with(row: Sending, present: Preparation, now: datetime) -> None:
    """Go on with what is prepared: begin, wait, prepare it once more, or pause."""
    run = present.run
    if row.analysis is None or run is None or run.state != Analysis.State.READY:
        _prepare(row, present, now)
    elif definitions.is_stale(run):
        _pause(row, _changed())
    elif row.starts_at - (run.finished_at or now) > FRESH:
        if now >= row.starts_at - LEAD:
            _prepare(row, present, now)
    elif now >= row.starts_at:
        row.state, row.started_at = State.SENDING, now
        row.save(update_fields=["state", "started_at"])


def _prepare(row: Sending, present: Preparation, now: datetime) -> None:
    row.preparing_since = now
    row.save(update_fields=["preparing_since"])
    if not present.is_going_on:
        preparation.ask(row.delivery, actor=row.actor)


def _why_not_ready(row: Sending, present: Preparation) -> str:
    """Why what was prepared anew cannot go; empty when it can."""
    run, since = present.run, row.preparing_since
    if run and since and (run.finished_at is None or run.finished_at < since):
        run = None  # it is of before
    problem = present.refusal
    if not problem and run and run.state == Analysis.State.FAILED:
        problem = run.error
    if problem:
        text = _("Preparing it once more failed: {problem} Mend it, then resume it.")
        return text.format(problem=problem)
    if run is None or run.state != Analysis.State.READY:
        return _(
            "Preparing it once more was stopped. Resume prepares it again and begins; "
            "or cancel it."
        )
    if row.analysis is not None and _differ(row.analysis, run):
        return _changed()
    return ""


def _changed() -> str:
    return _(
        "Its audience, a rule or what is found in it was changed since it was "
        "prepared. Resume prepares it as it is now and begins; or cancel it."
    )


def _differ(before: Analysis, after: Analysis) -> bool:
    """Whether a run judged by something else than the one before."""
    found = [[(f["code"], f["text"]) for f in run.findings] for run in (before, after)]
    return before.definition != after.definition or found[0] != found[1]


def _pause(row: Sending, reason: str) -> None:
    row.state, row.reason, row.preparing_since = State.PAUSED, reason, None
    row.save(update_fields=["state", "reason", "preparing_since"])
