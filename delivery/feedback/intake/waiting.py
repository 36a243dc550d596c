"""What came before its message was recorded: found when it is.

Another system hands a delivery over, and a provider reports a bounce seconds later; the
file of what was sent comes in the evening. Until then the item waits, with clues.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import timezone

from audiences.models import Address
from delivery.feedback.intake.matching import CLOCK_SKEW, How, Report, key_of
from delivery.models import EventKind, InboundClue, InboundItem, Message

Kind = InboundClue.Kind
LONGEST = 500
BATCH = 500


def is_about_address(report: Report) -> bool:
    """Whether a report without a message has counted for its address all the same."""
    kinds = (EventKind.COMPLAINT, EventKind.UNSUBSCRIBE)
    return report.event.kind in kinds and report.item.is_verified


def keep(item: InboundItem, reports: list[Report]) -> None:
    """Keep what an item says of messages that it has not found; nothing is nothing."""
    if item.state != InboundItem.State.NEW:
        forget(item)
    rows = {
        (report.event.channel, kind, value)
        for report in reports
        for kind, value in _clues_of(report)
        if len(value) <= LONGEST
    }
    if rows:
        InboundClue.objects.bulk_create(
            [
                InboundClue(item=item, channel=channel, kind=kind, value=value)
                for channel, kind, value in sorted(rows)
            ],
            ignore_conflicts=True,
        )


def forget(item: InboundItem) -> None:
    """Wait no more: the item has found its message, or somebody has decided."""
    InboundClue.objects.filter(item=item).delete()


def _clues_of(report: Report) -> set[tuple[Kind, str]]:
    found = set()
    for how, value in report.numbers:
        if how == How.RETURN_PATH:
            found.add((Kind.RETURN_PATH, _path(*value)))
        elif how == How.MESSAGE_ID:
            found.add((Kind.MESSAGE_ID, str(value).strip("<>")))
        else:
            found.add((Kind.PROVIDER_ID, str(value)))
    if report.key and report.item.is_verified:
        found.add((Kind.ADDRESS, report.key))
    return found


def _path(delivery_id: int | str, profile_id: int | str) -> str:
    return f"{delivery_id}.{profile_id}"


def of_messages(messages: Iterable[Message]) -> QuerySet[InboundItem]:
    """The items that wait for any of these messages."""
    values: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    for message in messages:
        values[Kind.RETURN_PATH].add(_path(message.delivery_id, message.profile_id))
        if message.message_id:
            values[Kind.MESSAGE_ID].add(message.message_id.strip("<> "))
        if message.provider_id:
            values[Kind.PROVIDER_ID].add(message.provider_id)
        if key := key_of(message.channel, message.address):
            values[Kind.ADDRESS].add(key)
    said = Q(pk__in=[])
    for kind, wanted in values.items():
        if wanted:
            said |= Q(kind=kind, value__in=wanted)
    return _items(InboundClue.objects.filter(said))


def of_recorded(now: datetime | None = None) -> QuerySet[InboundItem]:
    """The items of FEEDBACK_LATE_DAYS whose message is on record by now."""
    since = (now or timezone.now()) - timedelta(days=settings.FEEDBACK_LATE_DAYS)
    clues = InboundClue.objects.filter(item__received_at__gte=since)
    own = Message.objects.filter(channel=OuterRef("channel"))
    number = OuterRef("value")
    bracketed = Concat(Value("<"), number, Value(">"))
    by_address = own.filter(
        profile_id__in=Address.objects.filter(
            channel=OuterRef(OuterRef("channel")), key=OuterRef(OuterRef("value"))
        ).values("profile_id"),
        sent_at__lte=OuterRef("item__received_at") + CLOCK_SKEW,
    )
    said = (
        Q(Exists(own.filter(message_id__in=[number, bracketed])), kind=Kind.MESSAGE_ID)
        | Q(Exists(own.filter(provider_id=number)), kind=Kind.PROVIDER_ID)
        | Q(Exists(by_address), kind=Kind.ADDRESS)
        | Q(pk__in=_with_path(clues))
    )
    return _items(clues.filter(said))


def _with_path(clues: QuerySet[InboundClue]) -> list[int]:
    """Clues whose signed return path is that of a message on record."""
    paths = clues.filter(kind=Kind.RETURN_PATH).values_list("pk", "value")
    found = []
    for pk, value in paths.iterator():
        delivery, _dot, profile = value.partition(".")
        sent = Message.objects.filter(delivery_id=delivery, profile_id=profile)
        if sent.exists():
            found.append(pk)
    return found


def _items(clues: QuerySet[InboundClue]) -> QuerySet[InboundItem]:
    return InboundItem.objects.filter(pk__in=clues.values("item")).order_by("pk")
