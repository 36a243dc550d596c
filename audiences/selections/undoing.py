"""Taking back what operators did, for one person or for all of a change.

An operator's act may have been a mistake, and the history says so: the reversal is an
event of its own, with a note that names what it undoes. It never takes back what
somebody else said. An act is reversed only where it is still the last word about that
flag or that subscription; whoever says the same by a page, a mail or a file after an
operator is on record (`consent.history.said_again`) and so stays out. Restricted data
is not touched, and what stands on the list of suppressed addresses stays there.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, F, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _, override

from audiences import consent, roles
from audiences.consent import Kind, Origin, Source, history
from audiences.consent.locks import rows_to_lock
from audiences.models import BulkAct, BulkActPerson, ConsentEvent, Profile
from audiences.refusals import Refused
from audiences.sql.many import among
from audiences.sql.retries import retried
from audiences.subscriptions import writing
from audiences.suppression.restriction import restricted_among

from . import acts
from .reversals import Marks, kept

Outcome = BulkActPerson.Outcome
# How long an operator can take back what they did for one person.
UNDO_LIFE = timedelta(days=1)
# How long a change of many can be taken back.
UNDO_LIFE_OF_MANY = timedelta(days=30)
# What it takes to take back an event of each kind.
PERMISSIONS: dict[str, str] = {
    Kind.OPT_OUT: roles.OPT_IN,
    Kind.OPT_IN: roles.OPT_OUT,
    Kind.SUBSCRIBE: "audiences.change_subscription",
    Kind.UNSUBSCRIBE: "audiences.add_subscription",
}


class NotUndone(Refused):
    """The act stays; the message says why."""


# ------------------------------------------------------------------ one person
def can_undo(event: ConsentEvent, actor: str) -> bool:
    """Whether this operator did it, a moment ago, and nothing came after it."""
    evidence = getattr(event, "evidence", None)
    return bool(
        event.source == Source.OPERATOR
        and event.kind in PERMISSIONS
        and event.at > timezone.now() - UNDO_LIFE
        and evidence is not None
        and evidence.actor == actor
        and not _is_undoing(evidence.note)
        and _is_last(event)
    )


@retried
def undo(event_id: int, *, actor: str) -> ConsentEvent:
    """Reverse one act of this operator; returns the event that it was.

    Raises NotUndone when somebody else did it, when it is too long ago, when something
    happened since, and when the person's data is restricted.
    """
    with transaction.atomic():
        event = ConsentEvent.objects.select_related("service", "evidence").get(
            pk=event_id
        )
        person = rows_to_lock().filter(pk=event.profile_id).first()
        if person is None or not can_undo(event, actor):
            raise NotUndone(
                _(
                    "This cannot be undone: only who did it can, within a day, and "
                    "only while nothing has happened since."
                )
            )
        if not _reverse(person, event, _origin(actor, event.at)):
            raise NotUndone(_("This cannot be undone: the data is restricted."))
        return event


def _reverse(person: Profile, event: ConsentEvent, origin: Origin) -> bool:
    if event.kind in (Kind.OPT_OUT, Kind.OPT_IN):
        return consent.change_flag(
            person, event.channel, opted_out=event.kind == Kind.OPT_IN, origin=origin
        ).changed
    if event.service is None:
        return False
    if event.kind == Kind.SUBSCRIBE:
        return writing.end(person, event.service, origin).changed
    return (
        not _was_request(event)
        and writing.restore(person, event.service, origin).changed
    )


def _is_last(event: ConsentEvent) -> bool:
    about = history.about(
        event.profile_id, scope=event.channel, service_id=event.service_id
    )
    return not about.filter(id__gt=event.pk).exists()


def _was_request(event: ConsentEvent) -> bool:
    """Whether what ended was a mere request, which an undo must not confirm."""
    about = history.about(
        event.profile_id, scope=event.channel, service_id=event.service_id
    )
    before = about.filter(id__lt=event.pk).order_by("-id").first()
    return before is not None and before.kind == Kind.REQUEST


# The note is kept in the site's language, whoever undoes.
_UNDOING = "Undone: "


def _is_undoing(note: str) -> bool:
    return note.startswith(_UNDOING)


def _origin(actor: str, of: datetime, who: str = "") -> Origin:
    """The reversal as the history keeps it: who undid it, and what of whom."""
    with override("en"):
        when = date_format(timezone.localtime(of), "Y-m-d H:i")
    note = f"{_UNDOING}what {who or actor} did on {when}"
    return Origin(source=Source.OPERATOR, actor=actor, note=note)


# ------------------------------------------------------------------ many
def refusal(act: BulkAct) -> str:
    """Why a change of many cannot be taken back as one; empty where it can."""
    if act.undoes_id or not act.keeps_people:
        return _("This change cannot be undone as one.")
    if act.is_unfinished:
        return _("It can be undone once it has ended.")
    if act.created_at < timezone.now() - UNDO_LIFE_OF_MANY:
        return _("It was made more than {days} days ago.").format(
            days=UNDO_LIFE_OF_MANY.days
        )
    if BulkAct.objects.filter(undoes=act, state__in=BulkAct.UNFINISHED).exists():
        return _("It is being undone.")
    if not act.people.filter(outcome=Outcome.NOT_UNDONE).exists():
        return _("Nothing of it is left to undo.")
    return ""


def keep(act: BulkAct, marks: Marks) -> None:
    """Write down whom a chunk of the change has changed, and by what."""
    BulkActPerson.objects.bulk_create(
        BulkActPerson(act_id=act.pk, profile_id=profile, event_id=number)
        for profile, number in marks
    )


def next_people(act: BulkAct, size: int) -> list[int]:
    """Who comes next in an undoing."""
    rows = BulkActPerson.objects.filter(
        act=act.undoes_id, outcome=Outcome.NOT_UNDONE, profile_id__gt=act.position
    )
    return list(rows.order_by("profile_id").values_list("profile_id", flat=True)[:size])


def work(act: BulkAct, ids: Sequence[int]) -> int:
    """Take the change back for these people; returns for how many."""
    if act.undoes is None:
        raise NotUndone(_("This change cannot be undone as one."))
    return _take_back(act.undoes, ids, act.actor)


def _take_back(first: BulkAct, ids: Sequence[int], actor: str) -> int:
    """Take a change back for these people; returns for how many.

    Their rows are locked first. What they are judged by is read afterwards, so that
    whoever opted out by themselves while this waited stays out.
    """
    reverse = acts.find(first.code).reverse
    if reverse is None:
        raise NotUndone(_("This change cannot be undone as one."))
    there = list(
        rows_to_lock()
        .filter(among("pk", ids))
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    free = set(there) - restricted_among(there)
    rows = kept(first, ids).filter(outcome=Outcome.NOT_UNDONE)
    waiting = list(rows.order_by("profile_id").values_list("profile_id", flat=True))
    allowed = [pk for pk in waiting if pk in free]
    origin = _origin(actor, first.created_at, first.actor)
    left = set(reverse.take_back(first, allowed, origin)) if allowed else set()
    done = [pk for pk in allowed if pk not in left]
    for outcome, people in (
        (Outcome.NOT_ALLOWED, [pk for pk in waiting if pk not in free]),
        (Outcome.CHANGED_SINCE, sorted(left)),
        (Outcome.UNDONE, done),
    ):
        if people:
            kept(first, people).update(outcome=outcome)
    return len(done)


# ------------------------------------------------------------------ one of many
def can_undo_for(act: BulkAct | None, actor: str) -> bool:
    """Whether this operator made a change a moment ago, so that they can take it back
    for one person."""
    return (
        act is not None
        and act.actor == actor
        and act.created_at > timezone.now() - UNDO_LIFE
        and not refusal(act)
    )


@retried
def undo_for(act: BulkAct, person: Profile, *, actor: str) -> str:
    """Take a change back for one of its people; returns what became of it.

    Raises NotUndone when somebody else made it, when it is too long ago, and when it is
    undone already.
    """
    with transaction.atomic():
        act = BulkAct.objects.select_for_update(of=("self",)).get(pk=act.pk)
        row = kept(act, [person.pk]).filter(outcome=Outcome.NOT_UNDONE)
        if not can_undo_for(act, actor) or not row.exists():
            raise NotUndone(
                _(
                    "This cannot be undone: only who did it can, within a day, and "
                    "only while nothing has happened since."
                )
            )
        _take_back(act, [person.pk], actor)
        return kept(act, [person.pk]).get().outcome


def figures(act: BulkAct) -> dict[str, int]:
    """How many people of a change were undone, and how many were left, by outcome."""
    rows = act.people.order_by().values_list("outcome")
    return {str(outcome): count for outcome, count in rows.annotate(n=Count("pk"))}


def left(act: BulkAct, after: int = 0) -> QuerySet[BulkActPerson]:
    """Whom an undoing has left as they are, in the order of their numbers."""
    kept = [Outcome.CHANGED_SINCE, Outcome.NOT_ALLOWED]
    rows = act.people.filter(outcome__in=kept, profile_id__gt=after)
    return rows.order_by(F("profile_id"))
