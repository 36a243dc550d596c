"""Messages: what was handed over, for ever."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import DateTimeField, F, TextField, Value

from audiences import sql
from audiences.refusals import Refused
from delivery.feedback import erasure
from delivery.feedback.intake import find_late
from delivery.models import Analysis, Delivery, Message, Outcome


class NotPrepared(Refused):
    """The delivery has no finished analysis."""


def record_handover(delivery: Delivery, at: datetime) -> int:
    """Record that the whole target of a prepared delivery was handed over at a moment.

    For deliveries that another system sends. Set-based; returns how many messages.
    """
    latest = delivery.latest_analysis
    if latest is None or latest.state != Analysis.State.READY:
        raise NotPrepared(f"{delivery.label!r} has no finished analysis.")
    target = Outcome.objects.filter(delivery=delivery, rule__isnull=True)
    with transaction.atomic():
        transaction.on_commit(find_late, robust=True)
        return sql.insert_select(
            Message,
            ["delivery_id", "profile_id", "channel", "address", "sent_at"],
            target.order_by("profile_id").values_list(
                F("delivery_id"),
                F("profile_id"),
                Value(delivery.channel, TextField()),
                F("address"),
                Value(at, DateTimeField()),
            ),
        )


def forget_person(
    sender: object,
    profile_id: int,
    addresses: Iterable[tuple[str, str]] = (),
    **kwargs: object,
) -> None:
    """Listener of `profile_erased`: blank the person's addresses; counts stay.

    What arrived about the person is erased with it.
    """
    erasure.forget_reports(profile_id, addresses)
    deliveries = Delivery.objects.values("pk")
    Outcome.objects.filter(delivery_id__in=deliveries, profile_id=profile_id).update(
        address=""
    )
    Message.objects.filter(profile_id=profile_id).update(address="")
