"""Reading again what came before its message was on record."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from delivery.feedback.intake import waiting
from delivery.feedback.intake.processing import process_all
from delivery.models import InboundClue, InboundItem, Message

BATCH = 100


def messages_recorded(messages: Sequence[Message]) -> None:
    """Whoever records messages calls this: what waits for them is read again.

    After the commit, for then the messages are there. What nobody waits for costs one
    statement.
    """
    recorded = list(messages)
    if recorded:
        transaction.on_commit(lambda: _find(recorded), robust=True)


def _find(messages: list[Message]) -> None:
    if not InboundClue.objects.exists():
        return
    for start in range(0, len(messages), BATCH):
        _read_again(waiting.of_messages(messages[start : start + BATCH]))


def find_late(now: datetime | None = None) -> int:
    """Read again what waits and whose message is on record by now, however it came.

    Returns how many items were read.
    """
    return _read_again(waiting.of_recorded(now))


def _read_again(items: QuerySet[InboundItem]) -> int:
    pks = list(items.values_list("pk", flat=True))
    for start in range(0, len(pks), BATCH):
        batch = pks[start : start + BATCH]
        process_all(InboundItem.objects.filter(pk__in=batch).order_by("pk"))
    return len(pks)
