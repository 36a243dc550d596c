"""Claims: the next targets of a delivery, checked once more, and nobody else's.

A claim is one short transaction: it takes the next targets in the order of their ids,
locks their profiles against writers of consent, judges them by present rows, and writes
for each that it is claimed, or withdrawn and why. So an opt-out commits before the
claim and wins, or after it, and is found by the look before the message. The rate is
waited for before a claim, never between a claim and its hand-over.

What is claimed waits, with the slot of its worker: if that dies, it waits again. A few
at a time are begun, right before the first of them is handed over: what was begun when
a worker dies is uncertain.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audiences import changes, sql
from audiences.models import Profile
from audiences.sql.row_locks import lock_shared
from delivery.models import Dispatch, Outcome, Sending
from delivery.sending.last_check import LastCheck
from delivery.sending.telling import tell_sent

BATCH = 100
# Targets to be tried again are taken together when their ids are this near.
NEAR = 5_000
# A profile that somebody is writing to is asked for again after this.
BUSY = timedelta(seconds=1)
# What a rate may catch up on, after a pause of the workers.
BURST = timedelta(seconds=1)

_FACTS = ("status", "slot", "due_at", "code")

Status = Dispatch.Status
State = Sending.State


@dataclass(frozen=True)
class Batch:
    """What one claim took: ids to hand over next, and what the check had seen."""

    ids: list[int]
    seen: changes.Seen


@dataclass(frozen=True)
class Wait:
    """Nothing can be claimed before this many seconds have passed."""

    seconds: float


@dataclass(frozen=True)
class Over:
    """Nothing is left to claim, or it is not to be sent any more."""


def claim(
    sending: Sending, check: LastCheck, slot: int, *, most: int = 0
) -> Batch | Wait | Over:
    """Claim the next targets for the worker that holds the slot."""
    with transaction.atomic(durable=True):
        row = Sending.objects.select_for_update(of=("self",)).get(pk=sending.pk)
        now = timezone.now()
        if row.state != State.SENDING:
            return Over()
        if row.free_at and row.free_at > now:
            return Wait((row.free_at - now).total_seconds())
        seen = changes.now()
        size = most or BATCH
        if row.rate:
            size = min(size, max(1, int(row.rate / 2)))
        again = _due(row, now, size)
        ids = again or _next(row, size)
        if not ids:
            return _nothing_left(row, now)
        batch = _checked(row, check, ids, now)
        _write(row, slot, batch, now, again=bool(again))
        if not again:
            row.position = ids[-1]
        if row.rate:
            free = max(row.free_at or now, now - BURST)
            row.free_at = free + timedelta(seconds=len(batch.claimed) / row.rate)
        row.worked_at = now
        row.save(update_fields=["position", "free_at", "worked_at"])
    return Batch(batch.claimed, seen)


def _next(sending: Sending, size: int) -> list[int]:
    """The next targets that nobody has claimed."""
    rows = Outcome.objects.filter(
        delivery=sending.delivery_id,
        rule__isnull=True,
        profile_id__gt=sending.position,
    )
    return list(rows.order_by("profile_id").values_list("profile_id", flat=True)[:size])


def _due(sending: Sending, now: datetime, size: int) -> list[int]:
    """Targets to be tried again whose time has come, near each other."""
    rows = Dispatch.objects.filter(
        delivery=sending.delivery_id, status=Status.WAITING, slot=None, due_at__lte=now
    )
    first = rows.order_by("due_at").values_list("profile_id", flat=True).first()
    if first is None:
        return []
    near = rows.filter(profile_id__gte=first - NEAR, profile_id__lte=first + NEAR)
    return sorted(near.values_list("profile_id", flat=True)[:size])


def _nothing_left(sending: Sending, now: datetime) -> Wait | Over:
    """Nothing to claim now: later, or never again."""
    rows = Dispatch.objects.filter(delivery=sending.delivery_id)
    free = rows.filter(status=Status.WAITING, slot=None)
    waiting = free.order_by("due_at").first()
    if waiting is not None:
        due = waiting.due_at or now
        return Wait(max(0.05, (due - now).total_seconds()))
    if rows.filter(status__in=(Status.WAITING, Status.HANDING_OVER)).exists():
        return Over()  # another worker ends it, or whoever settles what it left
    Sending.objects.filter(pk=sending.pk).update(
        state=State.SENT, finished_at=now, reason=""
    )
    tell_sent(sending)
    return Over()


@dataclass(frozen=True)
class _Checked:
    claimed: list[int]
    busy: list[int]
    causes: dict[int, str]


def _checked(
    sending: Sending, check: LastCheck, ids: list[int], now: datetime
) -> _Checked:
    """Which of them are claimed; which are not, and why.

    Somebody whose profile is just being written to is put off: whether that is an
    opt-out is known in a moment.
    """
    free = lock_shared(Profile, ids)
    locked = [pk for pk in ids if pk not in free]
    busy = set(Profile.objects.filter(pk__in=locked).values_list("pk", flat=True))
    found = check.excluded(ids[0], ids[-1])
    causes = {pk: found[pk] for pk in ids if pk in found and pk not in busy}
    claimed = [pk for pk in ids if pk not in causes and pk not in busy]
    return _Checked(claimed, sorted(busy), causes)


def _write(
    sending: Sending, slot: int, checked: _Checked, now: datetime, *, again: bool
) -> None:
    waiting, withdrawn = Status.WAITING, Status.WITHDRAWN
    facts: list[tuple[list[int], str, int | None, datetime | None, str]] = [
        (checked.claimed, waiting, slot, None, ""),
        (checked.busy, waiting, None, now + BUSY, ""),
        *(([pk], withdrawn, None, None, code) for pk, code in checked.causes.items()),
    ]
    if again:
        for ids, status, its_slot, due, code in facts:
            _rows(sending, ids).update(
                at=now, status=status, slot=its_slot, due_at=due, code=code
            )
        return
    sql.bulk_insert(
        Dispatch,
        ("delivery_id", "profile_id", "at", "first_at", *_FACTS),
        [
            (sending.delivery_id, pk, now, now, *said)
            for ids, *said in facts
            for pk in ids
        ],
    )


def _rows(sending: Sending, ids: list[int]) -> QuerySet[Dispatch]:
    return Dispatch.objects.filter(delivery=sending.delivery_id, profile_id__in=ids)


def begin(sending: Sending, ids: list[int], slot: int) -> set[int]:
    """Write that these are being handed over, before the first byte of the first.

    Returns those that are still claimed by the slot: nobody else begins them.
    """
    with transaction.atomic(durable=True):
        rows = _rows(sending, ids).filter(status=Status.WAITING, slot=slot)
        begun = set(rows.select_for_update().values_list("profile_id", flat=True))
        rows.update(status=Status.HANDING_OVER, at=timezone.now())
    return begun


def put_back(sending: Sending, ids: list[int], status: str) -> None:
    """Targets of a claim that were not handed over wait again.

    `status` is what they are: waiting, where they were not begun, or being handed over.
    """
    _held(sending, ids, status).update(
        status=Status.WAITING, due_at=timezone.now(), slot=None
    )


def withdraw(sending: Sending, causes: dict[int, str], status: str) -> None:
    """Withdraw targets of a claim: something has changed before their turn."""
    for code in sorted({*causes.values()}):
        ids = [pk for pk, cause in causes.items() if cause == code]
        _held(sending, ids, status).update(
            status=Status.WITHDRAWN, code=code, at=timezone.now(), slot=None
        )


def _held(sending: Sending, ids: list[int], status: str) -> QuerySet[Dispatch]:
    return _rows(sending, ids).filter(status=status, slot__isnull=False)
