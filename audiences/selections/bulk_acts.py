"""Changes to many people at once: the only writer of `BulkAct`.

An act is one set-based function of the domain. It runs in chunks by id, each in a
transaction that also moves the act's position: locks are short, a worker that dies
loses nothing, and two workers never do the same chunk. A small selection is changed at
once, a large one in the background. Whom it changed is written down, so that the act
can be taken back as one (`undoing`): by an act of its own, in chunks as well.
"""

import logging
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences import tags
from audiences.background import jobs
from audiences.channels import Scope
from audiences.consent import Origin, Source
from audiences.consent.locks import rows_to_lock
from audiences.files.cleaning import says_something
from audiences.models import BulkAct, Profile
from audiences.sql.many import among
from audiences.sql.retries import retried
from audiences.subscriptions import ServiceClosed, find_service

from . import filters, undoing
from .acts import Act, BulkActRefused, find

State = BulkAct.State
CHUNK_SIZE = 2000
logger = logging.getLogger(__name__)


# ------------------------------------------------------------------ beginning
def begin(
    code: str,
    chosen: filters.Chosen,
    *,
    actor: str,
    note: str = "",
    details: dict[str, Any] | None = None,
) -> BulkAct:
    """Record the change and its people, then make it or wake a worker.

    People added later are not included. Raises BulkActRefused.
    """
    kind, details = find(code), dict(details or {})
    if kind.needs_note and not says_something(note):
        raise BulkActRefused(
            _("An opt-in needs a note that says how the people asked for it.")
        )
    _check(kind, details)
    people = filters.select(chosen)
    act = BulkAct.objects.create(
        code=code,
        details=details,
        chosen=dict(chosen),
        note=note.strip(),
        actor=actor,
        last_id=Profile.objects.aggregate(last=Max("pk"))["last"] or 0,
        keeps_people=kind.reverse is not None,
    )
    at_once = settings.BULK_AT_ONCE
    if people.order_by()[: at_once + 1].count() <= at_once:
        run(act)
    else:
        jobs.wake("audiences.tasks.work_off_bulk_act", act.pk)
    return act


def undo(act: BulkAct, *, actor: str) -> BulkAct:
    """Take a change back for everybody for whom it is still the last word.

    It is a change of its own: in the background where it is large, and it can be
    stopped. Raises BulkActRefused.
    """
    with transaction.atomic():
        # Two who press the button at once: the second sees the first.
        act = BulkAct.objects.select_for_update(of=("self",)).get(pk=act.pk)
        if refused := undoing.refusal(act):
            raise BulkActRefused(refused)
        reversal = BulkAct.objects.create(
            code=act.code,
            details=act.details,
            chosen=act.chosen,
            actor=actor,
            undoes=act,
            last_id=act.last_id,
        )
        if act.changed > settings.BULK_AT_ONCE:
            jobs.wake("audiences.tasks.work_off_bulk_act", reversal.pk)
            return reversal
    run(reversal)
    return reversal


def _check(kind: Act, details: dict[str, Any]) -> None:
    missing = [name for name in kind.asks if not details.get(name)]
    if missing:
        raise BulkActRefused(f"Missing: {', '.join(missing)}.")
    if "tag" in kind.asks:
        tags.read_name(details["tag"])
    if "scope" in kind.asks and details["scope"] not in Scope.values:
        raise BulkActRefused(f"{details['scope']!r} is no channel.")
    if "service" in kind.asks:
        service = find_service(details["service"])
        if kind.begins and service.is_closed:
            raise ServiceClosed(service)


def stop(act: BulkAct) -> bool:
    """Leave it where it is; returns whether it was still unfinished."""
    return jobs.end(act, State.STOPPED)


# ------------------------------------------------------------------ working
def run(act: BulkAct) -> None:
    """Change chunk after chunk until the act is done, stopped, or fails.

    A failure is recorded, what was done stands, and nothing is done twice.
    """
    try:
        while _run_next(act.pk):
            pass
    except Exception as error:
        logger.exception("A bulk change failed")
        jobs.end(act, State.FAILED, error=str(error)[:500])
    act.refresh_from_db()


@retried
def _run_next(pk: int) -> bool:
    """Change one chunk in one transaction; returns whether there may be more."""
    act = BulkAct.objects.select_for_update(of=("self",)).get(pk=pk)
    if not act.is_unfinished:
        return False
    kind = find(act.code)
    size = min(CHUNK_SIZE, kind.most)
    if act.undoes_id:
        ids = undoing.next_people(act, size)
        act.changed += undoing.work(act, ids) if ids else 0
    else:
        people = filters.select(act.chosen)
        people = people.filter(pk__gt=act.position, pk__lte=act.last_id)
        ids = list(people.order_by("pk").values_list("pk", flat=True)[:size])
        act.changed += _change(act, kind, ids) if ids else 0
    if ids:
        act.seen += len(ids)
        act.position = ids[-1]
    act.worked_at = timezone.now()
    act.state = State.RUNNING
    if len(ids) < size:
        act.state, act.finished_at = State.DONE, act.worked_at
    act.save()
    return act.state == State.RUNNING


def _change(act: BulkAct, kind: Act, ids: list[int]) -> int:
    """Change these people, and write down whom; returns how many changed."""
    origin = Origin(source=Source.OPERATOR, actor=act.actor, note=act.note)
    people = Profile.objects.filter(among("pk", ids))
    if kind.reverse is None:
        return kind.work(people, act, origin)
    list(rows_to_lock().filter(among("pk", ids)).order_by("pk").values_list("pk"))
    marks = kind.reverse.watch(act, ids)
    changed = kind.work(people, act, origin)
    if changed:
        undoing.keep(act, marks())
    return changed
