"""How the acts of operators are taken back, each kind by its own facts.

A reversal says whom a chunk of a change has changed, and takes that back for those for
whom it is still the last word. Whom it leaves it names.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, QuerySet
from django.utils.translation import gettext_lazy as _

from audiences import tags
from audiences.consent import Kind, Origin, history
from audiences.models import (
    BulkAct,
    BulkActPerson,
    ConsentEvent,
    Profile,
    ProfileTag,
    Tag,
)
from audiences.sql.many import among
from audiences.subscriptions import find_service

# Makes a change for people; returns how many changed.
Work = Callable[[QuerySet[Profile], BulkAct, Origin], int]
# Whom a chunk has changed, each with the number of what was done.
Marks = Iterable[tuple[int, int]]
# Asked before a chunk is changed, under the locks of its people; what it returns is
# asked afterwards.
Watch = Callable[[BulkAct, Sequence[int]], Callable[[], Marks]]
# Takes a change back for these people, who are locked and free; returns whom it leaves.
TakeBack = Callable[[BulkAct, Sequence[int], Origin], Iterable[int]]


@dataclass(frozen=True)
class Reverse:
    """How an act is taken back for those whom it changed, and who may do so.

    `stays` says to the operator, before they confirm, what is left as it is.
    """

    permission: str
    watch: Watch
    take_back: TakeBack
    stays: Sequence[Any]


RESTRICTED_STAYS = _("Suppressed addresses and restricted data stay.")

HISTORY_KEEPS_BOTH = _("The history keeps both: what was done, and who took it back.")


def kept(act: BulkAct, ids: Sequence[int]) -> QuerySet[BulkActPerson]:
    """The rows of these people in a change."""
    return BulkActPerson.objects.filter(among("profile_id", ids), act=act)


# ------------------------------------------------------------------ consent
def by_events(work: Work, permission: str) -> Reverse:
    """Of an act that writes one event of consent for each person whom it changes."""

    def take_back(act: BulkAct, ids: Sequence[int], by: Origin) -> Iterable[int]:
        left = _changed_since(act, ids)
        free = [pk for pk in ids if pk not in left]
        work(Profile.objects.filter(among("pk", free)), act, by)
        return left

    return Reverse(
        permission,
        _watch_events,
        take_back,
        (
            _(
                "Whoever has opted out, opted in, subscribed or unsubscribed since "
                "stays as they are, and is named."
            ),
            _("Quarantine, suppressed addresses and restricted data stay."),
            HISTORY_KEEPS_BOTH,
        ),
    )


def _watch_events(act: BulkAct, ids: Sequence[int]) -> Callable[[], Marks]:
    """An event draws its number under the lock of its profile: what these people have
    after the last one of all is ours."""
    before = ConsentEvent.objects.aggregate(last=Max("id"))["last"] or 0
    events = ConsentEvent.objects.filter(among("profile_id", ids), id__gt=before)
    return lambda: events.order_by("profile_id").values_list("profile_id", "pk")


def _changed_since(act: BulkAct, ids: Sequence[int]) -> set[int]:
    """About whom something was said after the change; whose request it ended.

    The history of a chunk is read by its people and compared here: as a condition of
    the rows, the database may compare every event with every row.
    """
    details = act.details
    service = find_service(details["service"]).pk if "service" in details else None
    about = history.about_many(ids, scope=details.get("scope", ""), service_id=service)
    marks = dict(kept(act, ids).values_list("profile_id", "event_id"))
    left, before = set(), {}
    for profile, number, kind in about.order_by("id").values_list(
        "profile_id", "id", "kind"
    ):
        if number > marks[profile]:
            left.add(profile)
        elif number < marks[profile]:
            before[profile] = kind
    if act.code == "unsubscribe":
        left |= {profile for profile, kind in before.items() if kind == Kind.REQUEST}
    return left


# ------------------------------------------------------------------ tags
_PERMISSION = "audiences.change_profile"


def _held(act: BulkAct, ids: Sequence[int]) -> QuerySet[Any, tuple[int, int]]:
    """Who of these has the tag of a change, with its number."""
    tag = tags.find_tag(act.details["tag"])
    rows = ProfileTag.objects.filter(among("profile_id", ids), tag=tag)
    return rows.order_by("profile_id").values_list("profile_id", "tag_id")


def _watch_put_on(act: BulkAct, ids: Sequence[int]) -> Callable[[], Marks]:
    before = set(_held(act, ids))
    return lambda: [mark for mark in _held(act, ids) if mark not in before]


def _watch_taken_off(act: BulkAct, ids: Sequence[int]) -> Callable[[], Marks]:
    before = list(_held(act, ids))

    def marks() -> Marks:
        still = set(_held(act, ids))
        return [mark for mark in before if mark not in still]

    return marks


def _of_mark(act: BulkAct, ids: Sequence[int]) -> tuple[Tag | None, set[int]]:
    """The tag of a change, whatever its name is now, and who of these has it."""
    numbers = kept(act, ids).values("event_id")
    tag = Tag.objects.filter(pk__in=numbers).first()
    rows = ProfileTag.objects.filter(among("profile_id", ids), tag=tag)
    return tag, set(rows.values_list("profile_id", flat=True)) if tag else set()


def _take_off(act: BulkAct, ids: Sequence[int], by: Origin) -> Iterable[int]:
    tag, have = _of_mark(act, ids)
    if tag:
        tags.take_off(Profile.objects.filter(among("pk", have)), tag)
    return [pk for pk in ids if pk not in have]


def _put_back(act: BulkAct, ids: Sequence[int], by: Origin) -> Iterable[int]:
    tag, have = _of_mark(act, ids)
    if tag is None:
        return ids
    tags.put_on(Profile.objects.filter(among("pk", set(ids) - have)), tag)
    return have


PUT_ON = Reverse(
    _PERMISSION,
    _watch_put_on,
    _take_off,
    (
        _("Whoever has lost the tag since is named."),
        _("Restricted data stays."),
    ),
)
TAKEN_OFF = Reverse(
    _PERMISSION,
    _watch_taken_off,
    _put_back,
    (
        _("Whoever was given the tag again since is named."),
        _("Restricted data stays."),
    ),
)
