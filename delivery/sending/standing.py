"""How deliveries stand, each in one word, from what is on record."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Subquery, TextChoices
from django.utils.translation import gettext_lazy as _

from delivery.analysis.usual import Unusual, unusual
from delivery.models import Analysis, Delivery, Message, PreparationRequest, Sending
from delivery.sending import freshness
from delivery.sending.freshness import OutOfDate

Run = Analysis.State


class State(TextChoices):
    """The word; a sending counts before the preparation that it was made from."""

    DRAFT = "draft", _("Draft")
    PREPARING = "preparing", _("Preparing")
    STOPPED = "stopped", _("Stopped")
    PREPARED = "prepared", _("Prepared")
    OUT_OF_DATE = "out_of_date", _("Out of date")
    SCHEDULED = "scheduled", _("Scheduled")
    SENDING = "sending", _("Sending")
    PAUSED = "paused", _("Paused")
    CANCELLED = "cancelled", _("Cancelled")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")


_OF_RUN = {
    Run.RUNNING: State.PREPARING,
    Run.STOPPED: State.STOPPED,
    Run.READY: State.PREPARED,
    Run.FAILED: State.FAILED,
}


@dataclass(frozen=True)
class Standing:
    """The word, the run that it rests on, and what is strange about its counts."""

    state: State
    run: Analysis | None = None
    sending: Sending | None = None
    outdated: OutOfDate | None = None
    unusual: Unusual | None = None


def of(delivery: Delivery) -> Standing:
    return of_all([delivery])[delivery.pk]


def of_all(deliveries: Collection[Delivery]) -> dict[int, Standing]:
    """How each of them stands; a fixed number of queries, whatever their number."""
    keys = [delivery.pk for delivery in deliveries]
    runs = {run.delivery_id: run for run in _latest(keys)}
    begun = {row.delivery_id: row for row in Sending.objects.filter(delivery__in=keys)}
    left = set(
        Delivery.objects.filter(
            Exists(Message.objects.filter(delivery=OuterRef("pk"))), pk__in=keys
        ).values_list("pk", flat=True)
    )
    asked = _asked(keys, runs)
    old = freshness.out_of_date(runs.values())
    strange = unusual(runs.values())
    found = {}
    for pk in keys:
        run, sending = runs.get(pk), begun.get(pk)
        outdated = old.get(run.pk) if run and not sending else None
        found[pk] = Standing(
            _state(run, sending, outdated, pk in left, pk in asked),
            run,
            sending,
            outdated,
            # What has left stands: nothing about it can be mended any more.
            strange.get(run.pk) if run and not sending and pk not in left else None,
        )
    return found


def _state(
    run: Analysis | None,
    sending: Sending | None,
    outdated: OutOfDate | None,
    has_left: bool,
    is_asked: bool,
) -> State:
    if sending:
        return State(sending.state)
    if has_left:
        return State.SENT
    if is_asked:
        return State.PREPARING
    if run is None:
        return State.DRAFT
    return State.OUT_OF_DATE if outdated else _OF_RUN[Run(run.state)]


def _latest(keys: Iterable[int]) -> list[Analysis]:
    """The latest run of each, with what tells whether it is out of date."""
    latest = Analysis.objects.filter(delivery=OuterRef("pk")).order_by("-id")
    rows = Delivery.objects.filter(pk__in=keys).order_by()
    wanted = rows.annotate(run=Subquery(latest.values("pk")[:1]))
    found = Analysis.objects.filter(pk__in=wanted.values("run"))
    related = ("delivery__audience", "delivery__typology", "delivery__sender")
    return list(found.select_related(*related).prefetch_related("delivery__variants"))


def _asked(keys: Iterable[int], runs: dict[int, Analysis]) -> set[int]:
    """Those whose preparation was asked for, and has not ended since."""
    rows = PreparationRequest.objects.filter(delivery__in=keys, refusal="")
    found = set()
    for row in rows:
        run = runs.get(row.delivery_id)
        ended = run and run.finished_at and run.finished_at >= row.asked_at
        if not ended:
            found.add(row.delivery_id)
    return found
