"""Less instead of nothing: a limit or a pause that the visitor asks for.

After an opt-out the same button takes that back first: whoever stays for less wants
to stay. It needs the token that undoes the opt-out, and nothing else starts messages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils import timezone

from audiences import wishes
from audiences.channels import ANY
from audiences.consent import Origin
from audiences.links import BadLink, Undo, read_undo_token
from audiences.models import ConsentEvent, ContactWish, LandingPage
from audiences.visits.undoing import undo
from audiences.visits.visit import Visit

PAUSE = timedelta(days=91)  # three months


class Wish(StrEnum):
    """How often somebody wants to hear from us."""

    ALL = "all"
    MONTH = "month"
    PAUSE = "pause"


# The wishes that an act expressed, and those that it ended.
Changed = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Wishing:
    """What became of a wish: the wishes that hold now, and how to undo the act."""

    standing: tuple[ContactWish, ...]
    undo: Undo | None


def scope_of(visit: Visit) -> str:
    """What a wish on this page is about: the channel of the link, or any."""
    if visit.service:
        return visit.service.channel
    if visit.kind in LandingPage.CHOICE_KINDS:
        return ANY
    return visit.scope


def wish(
    visit: Visit, wanted: Wish, origin: Origin, *, instead_of: str = ""
) -> Wishing:
    """Do what the visitor wishes; `instead_of` undoes the opt-out that it is for.

    The caller has locked the profile.
    """
    profile_id, last = visit.profile.pk, _last_event(visit.profile.pk)
    if instead_of:
        undo(visit, instead_of, origin)
    expressed, ended = choose(visit, wanted, origin)
    events = ConsentEvent.objects.filter(profile_id=profile_id, pk__gt=last)
    ids = tuple(events.order_by("pk").values_list("pk", flat=True))
    did = Undo(profile_id, ids, wishes=expressed, ended=ended)
    return Wishing(
        tuple(wishes.of_person(profile_id)),
        did if ids or expressed or ended else None,
    )


def choose(visit: Visit, wanted: Wish, origin: Origin) -> Changed:
    """Write the wish down; which ones that expressed, and which it ended.

    A limit and a pause take each other's place, and what is about all messages that of
    what was about some; "all" ends every wish. What ends lets more messages come than
    before: only a link that proves the address does so.
    """
    profile, origin = visit.profile, visit.proof(origin)
    scope = scope_of(visit)
    standing = wishes.of_person(profile.pk)
    if wanted is Wish.ALL:
        ids = tuple(row.pk for row in standing)
        return (), ids if wishes.end(profile, ids, origin) else ()
    is_limit = wanted is Wish.MONTH
    done = wishes.express(
        profile,
        scope,
        origin,
        per_month=1 if is_limit else None,
        paused_until=None if is_limit else pause_end(),
    )
    others = [
        row.pk
        for row in standing
        if visit.proved and row.pk != done.wish.pk and scope in (row.channel, ANY)
    ]
    wishes.end(profile, others, origin)
    replaced = {done.replaced.pk} if done.replaced else set[int]()
    return (done.wish.pk,) if done.changed else (), (*{*replaced, *others},)


def pause_end() -> datetime:
    """When a pause that begins now ends: at the end of the day in three months."""
    day = timezone.localtime(timezone.now() + PAUSE)
    return day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def present(standing: Sequence[ContactWish]) -> Wish:
    """Which of the choices is true now."""
    if any(row.paused_until for row in standing):
        return Wish.PAUSE
    return Wish.MONTH if standing else Wish.ALL


def give_reason(visit: Visit, token: str, reason: str, text: str) -> bool:
    """Keep why the visitor left; the token of the undo says which act that was."""
    try:
        act = read_undo_token(token)
    except BadLink:
        return False
    if act.profile_id != visit.profile.pk or not visit.link.is_strong:
        return False
    return wishes.give_reason(act.profile_id, act.event_ids, reason, text)


def _last_event(profile_id: int) -> int:
    rows = ConsentEvent.objects.filter(profile_id=profile_id).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0
