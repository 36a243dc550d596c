"""Undo of what a visitor has just done, by a signed token."""

from enum import Enum

from django.db.models import QuerySet
from django.utils import timezone

from audiences import consent, wishes
from audiences.consent import Kind, Origin, history
from audiences.links import BadLink, read_undo_token
from audiences.models import ConsentEvent, Profile
from audiences.subscriptions import writing
from audiences.visits.opting_out import UNDO_LIFE, withdraw_stop
from audiences.visits.visit import Visit


class Undone(Enum):
    """How much of an act was reversed."""

    ALL = "all"
    SOME = "some"
    NOTHING = "nothing"


def undo(visit: Visit, token: str, origin: Origin) -> Undone:
    """Reverse what the events of one act did, where nothing has happened since.

    Doing it twice changes nothing: the reversal is the later event then. What is older
    than a day stays. Details of the profile stay as they are. A link of a key of before
    undoes nothing, because an undo starts messages. The caller has locked the profile.
    """
    origin, profile = visit.proof(origin), visit.profile
    if not visit.link.is_strong:
        return Undone.NOTHING
    try:
        wanted = read_undo_token(token)
    except BadLink:
        return Undone.NOTHING
    if wanted.profile_id != profile.pk:
        return Undone.NOTHING
    since = timezone.now() - UNDO_LIFE
    events = list(
        ConsentEvent.objects.filter(
            pk__in=wanted.event_ids,
            profile=profile,
            at__gt=since,
        )
        .select_related("service")
        .order_by("-id")
    )
    wishes_back = wishes.take_back(
        profile, wanted.wishes, wanted.ended, origin, after=since
    )
    reversed_ids = []
    for event in events:
        if _is_latest(event) and _reverse(profile, event, origin):
            reversed_ids.append(event.pk)
            if wanted.stopped_address and event.kind == Kind.OPT_OUT:
                withdraw_stop(visit, event)
    if not reversed_ids and not wishes_back:
        return Undone.NOTHING
    complete = len(reversed_ids) == len(wanted.event_ids)
    return Undone.ALL if complete else Undone.SOME


def _is_latest(event: ConsentEvent) -> bool:
    return not _about_the_same(event).filter(id__gt=event.pk).exists()


def _about_the_same(event: ConsentEvent) -> QuerySet[ConsentEvent]:
    return history.about(
        event.profile_id, scope=event.channel, service_id=event.service_id
    )


def _reverse(profile: Profile, event: ConsentEvent, origin: Origin) -> bool:
    if event.kind in (Kind.OPT_OUT, Kind.OPT_IN):
        is_out = event.kind == Kind.OPT_IN
        return consent.change_flag(
            profile, event.channel, opted_out=is_out, origin=origin
        ).changed
    if event.service is None:
        return False
    if event.kind in (Kind.SUBSCRIBE, Kind.REQUEST):
        return writing.end(profile, event.service, origin).changed
    if event.kind == Kind.UNSUBSCRIBE and not _was_pending(event):
        return writing.restore(profile, event.service, origin).changed
    return False


def _was_pending(event: ConsentEvent) -> bool:
    """Whether what ended was a mere request, which an undo must not confirm."""
    last = _about_the_same(event).filter(id__lt=event.pk).order_by("-id").first()
    return last is not None and last.kind == Kind.REQUEST
