"""What became of messages that were handed over: written down, each in one status.

A message that was taken is recorded for ever. One that was refused for good counts
against its address as the bounce that it is, unless the refusal is about us or about
what we say. One that was refused for now is tried again with growing pauses for a day.
Of one whose connection broke nobody knows: it is recorded, and never sent again by
itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from operator import attrgetter

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audiences.models import Profile
from audiences.sql.once import insert_new
from audiences.sql.row_locks import lock_shared
from delivery import quarantine
from delivery.feedback import intake
from delivery.feedback.refusals import verdict_on
from delivery.models import Dispatch, Message, Sending
from delivery.models.quarantine import ErrorType
from delivery.transports import Kind, Outgoing, Result

Status = Dispatch.Status
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
# After this nobody tries any more.
PATIENCE = timedelta(days=1)
# What is written of a message.
_COLUMNS = (
    *("delivery_id", "profile_id", "channel", "address"),
    *("sent_at", "message_id", "provider_id"),
)
# Of a result that came back although another worker thought this one dead.
OPEN = (Status.HANDING_OVER, Status.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A message and what came of it; `result` None: nobody knows."""

    message: Outgoing
    address: str
    result: Result | None


def write(sending: Sending, found: Sequence[HandedOver]) -> None:
    """Write down what became of these targets, together or not at all.

    Of somebody who was erased while their message was on its way it is counted, and
    names nobody.
    """
    if not found:
        return
    with transaction.atomic(durable=True):
        found = _without_erased(found)
        _write_taken(sending, [h for h in found if _is_taken(h)])
        _write_uncertain(sending, [h for h in found if h.result is None])
        for handed in found:
            if handed.result and handed.result.kind == Kind.LATER:
                _write_later(sending, handed)
            if handed.result and handed.result.kind == Kind.REFUSED:
                _write_refused(sending, handed)


def _without_erased(found: Sequence[HandedOver]) -> list[HandedOver]:
    """The same without the addresses of people who are gone.

    An erasure that has begun is waited for, and one that begins waits for this: it
    finds what is written here.
    """
    ids = sorted({handed.message.profile_id for handed in found})
    there = lock_shared(Profile, ids, waits=True)
    return [
        handed if handed.message.profile_id in there else _nameless(handed)
        for handed in found
    ]


def _nameless(handed: HandedOver) -> HandedOver:
    result = handed.result and replace(handed.result, text="")
    return replace(handed, address="", result=result)


def _is_taken(handed: HandedOver) -> bool:
    return bool(handed.result and handed.result.kind == Kind.TAKEN)


def _rows(sending: Sending, ids: Iterable[int]) -> QuerySet[Dispatch]:
    return Dispatch.objects.filter(
        delivery=sending.delivery_id, profile_id__in=[*ids], status__in=OPEN
    )


def _write_taken(sending: Sending, found: Sequence[HandedOver]) -> None:
    if not found:
        return
    _record(sending, found)
    _rows(sending, (h.message.profile_id for h in found)).update(
        status=Status.SENT, at=timezone.now(), slot=None, code="", text=""
    )


def _write_uncertain(sending: Sending, found: Sequence[HandedOver]) -> None:
    if not found:
        return
    _record(sending, found)
    _rows(sending, (h.message.profile_id for h in found)).update(
        status=Status.UNCERTAIN, at=timezone.now(), slot=None
    )


def _record(sending: Sending, found: Sequence[HandedOver]) -> None:
    """The messages, for ever; one that was settled as uncertain is there already."""
    now = timezone.now()
    made = [
        Message(
            delivery_id=sending.delivery_id,
            profile_id=handed.message.profile_id,
            channel=sending.delivery.channel,
            address=handed.address,
            sent_at=now,
            message_id=handed.message.message_id or None,
            provider_id=(handed.result and handed.result.provider_id) or None,
        )
        for handed in found
    ]
    columns = attrgetter(*_COLUMNS)
    insert_new(
        Message,
        _COLUMNS,
        sorted(columns(message) for message in made),
        key=("delivery_id", "profile_id"),
    )
    intake.messages_recorded(made)


def _write_later(sending: Sending, handed: HandedOver) -> None:
    """Tried again after a pause that grows, for a day at most."""
    assert handed.result is not None  # noqa: S101
    rows = _rows(sending, [handed.message.profile_id])
    row = rows.first()
    if row is None:
        return
    now = timezone.now()
    said = {"code": handed.result.code[:64], "text": handed.result.text, "at": now}
    pause = min(FIRST_PAUSE * 2**row.attempts, LONGEST_PAUSE)
    if now + pause > row.first_at + PATIENCE:
        rows.update(status=Status.REFUSED, slot=None, **said)
        return
    rows.update(
        status=Status.WAITING,
        due_at=now + pause,
        attempts=row.attempts + 1,
        slot=None,
        **said,
    )


def _write_refused(sending: Sending, handed: HandedOver) -> None:
    assert handed.result is not None  # noqa: S101
    result = handed.result
    rows = _rows(sending, [handed.message.profile_id])
    is_new = rows.update(
        status=Status.REFUSED,
        code=result.code[:64],
        text=result.text,
        at=timezone.now(),
        slot=None,
    )
    if is_new:
        _count_against(sending, handed, result)


def _count_against(sending: Sending, handed: HandedOver, result: Result) -> None:
    """The refusal as evidence about the address (Q3)."""
    channel = sending.delivery.channel
    if not handed.address:
        return
    verdict = verdict_on(channel, result.code, result.text)
    if verdict.type == ErrorType.IGNORED:
        return
    quarantine.record(
        channel,
        handed.address,
        type=verdict.type,
        reason=verdict.reason,
        source="sending",
        text=result.text,
        event_id=f"{sending.delivery_id}-{handed.message.profile_id}",
    )


REFUSED_SHARE_OF = 1_000
FEWEST = 100


def refused_share(sending: Sending) -> float:
    """The share of refusals among the last thousand results; 0 of too few."""
    rows = Dispatch.objects.filter(
        delivery=sending.delivery_id, status__in=(Status.SENT, Status.REFUSED)
    )
    last = list(
        rows.order_by("-profile_id").values_list("status", flat=True)[:REFUSED_SHARE_OF]
    )
    return last.count(Status.REFUSED) / len(last) if len(last) >= FEWEST else 0.0
