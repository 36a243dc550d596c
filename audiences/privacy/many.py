"""Erasing many people at once: one asks, and above ten a second person confirms.

Whom it is about is fixed when it is asked for. The worker then erases a few dozen at a
time, each time in one transaction with how far it is.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences import sql
from audiences.background import jobs
from audiences.consent import Origin, Source
from audiences.files.cleaning import says_something
from audiences.models import ErasureRun, Profile
from audiences.refusals import Refused
from audiences.suppression import ErasedFor
from audiences.suppression.restriction import restricted_among

from .erasure import erase_all

State = ErasureRun.State
# What one person may decide alone within a day; nothing changes it.
MOST_ALONE = 10
ALONE_WITHIN = timedelta(days=1)
# Their numbers are kept in one row.
MOST = 10_000
BATCH = 50
logger = logging.getLogger(__name__)


class NotPossible(Refused):
    """It cannot be asked or confirmed so; the message says why."""


def ask(
    ids: Iterable[int], *, actor: str, note: str, reason: str = ErasedFor.OWN_WISH
) -> ErasureRun:
    """Ask for the erasure of these profiles; up to ten are erased by a worker soon.

    More wait until `confirm`, and so do ten after ten: what one person has decided
    alone within a day counts together. Raises NotPossible.
    """
    people = sorted(set(ids))
    if not says_something(note):
        raise NotPossible(_("Say why they are erased."))
    if not people:
        raise NotPossible(_("Nobody was chosen."))
    if len(people) > MOST:
        raise NotPossible(
            _("These are more than {most} people: choose fewer at a time.").format(
                most=f"{MOST:,}"
            )
        )
    if actor == "":
        raise NotPossible(_("Nobody asks for it."))
    with transaction.atomic():
        sql.hold(f"erasures:{actor}")  # two at once count together
        alone = not needs_two(len(people), actor)
        run = ErasureRun.objects.create(
            actor=actor,
            note=note.strip(),
            reason=ErasedFor(reason),
            people=people,
            state=State.WAITING if alone else State.ASKED,
        )
        if alone:
            jobs.wake("audiences.tasks.run_erasure", run.pk)
    return run


def needs_two(count: int, actor: str) -> bool:
    """Whether a second person must confirm that this one erases so many more."""
    alone = ErasureRun.objects.filter(
        actor=actor, confirmed_by="", created_at__gt=timezone.now() - ALONE_WITHIN
    ).exclude(state=State.ASKED)
    decided = sum(
        run.erased + (len(run.people) if run.is_unfinished else 0) for run in alone
    )
    return count + decided > MOST_ALONE


def confirm(run: ErasureRun, *, actor: str) -> ErasureRun:
    """Let the erasure begin that somebody else has asked for; raises NotPossible."""
    with transaction.atomic():
        locked = ErasureRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
        if locked.state != State.ASKED:
            raise NotPossible(_("It does not wait for anybody any more."))
        if not actor or actor == locked.actor:
            raise NotPossible(
                _("You asked for it yourself: another person must confirm it.")
            )
        locked.state, locked.confirmed_by = State.WAITING, actor
        locked.save(update_fields=["state", "confirmed_by"])
        jobs.wake("audiences.tasks.run_erasure", locked.pk)
    run.refresh_from_db()
    return run


def stop(run: ErasureRun) -> bool:
    """Leave it at what is done; returns whether there was anything left."""
    return jobs.end(run, State.STOPPED, before=[State.ASKED, *ErasureRun.UNFINISHED])


def perform(run: ErasureRun) -> None:
    """Erase batch after batch; leaves it to another worker that is at it already."""
    try:
        with sql.process_lock(f"erasure-run:{run.pk}"):
            while _next(run.pk):
                pass
    except sql.Locked:
        return
    except Exception as error:
        logger.exception("An erasure of many people failed")
        text = str(error) if isinstance(error, Refused) else type(error).__name__
        jobs.end(run, State.FAILED, error=text[:500])
    run.refresh_from_db()


def _next(pk: int) -> bool:
    """Erase a few dozen; returns whether there are more.

    Whoever is restricted by now is passed over, unless it is their own wish.
    """
    with transaction.atomic():
        run = ErasureRun.objects.select_for_update(of=("self",)).get(pk=pk)
        if not run.is_unfinished:
            return False
        people, run.people = run.people[:BATCH], run.people[BATCH:]
        held = set()
        if run.reason == ErasedFor.RETENTION:
            held = restricted_among(people)
        rows = Profile.objects.filter(pk__in=set(people) - held)
        by = f"{run.actor}, {run.confirmed_by}" if run.confirmed_by else run.actor
        note = f"Erasure of many #{run.pk}: {run.note}"
        origin = Origin(source=Source.OPERATOR, actor=by, note=note)
        run.erased += erase_all(rows, reason=run.reason, origin=origin)
        run.worked_at = timezone.now()
        run.state = State.RUNNING if run.people else State.DONE
        if not run.people:
            run.finished_at = run.worked_at
        run.save()
        return bool(run.people)
