"""What became of an item, and the addresses that it holds meanwhile."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from delivery import quarantine
from delivery.feedback.intake import waiting
from delivery.feedback.intake.identity import storable
from delivery.feedback.intake.matching import key_of
from delivery.models import InboundItem, QuarantineAction

State = InboundItem.State
CONCLUDED = ("state", "note", "decided_by", "decided_at")
Name = tuple[str, str]


def conclude(
    item: InboundItem,
    state: InboundItem.State | str,
    *,
    note: str = "",
    actor: str = "",
    held: Iterable[Name] = (),
    was_held: bool = True,
) -> InboundItem:
    """Write down what became of an item: by itself, or because an operator decided.

    A held item holds addresses (`held`) until it is concluded otherwise.
    """
    item.state, item.note = state, storable(note)
    item.decided_by = actor
    item.decided_at = timezone.now() if actor else None
    with transaction.atomic():
        item.save(update_fields=CONCLUDED)
        if actor and not item.is_waiting:
            waiting.forget(item)
        if state == State.HELD:
            _hold(item, held)
        elif was_held:
            _end_hold(item, actor=actor)
    return item


def _hold(item: InboundItem, names: Iterable[Name]) -> None:
    """Hold addresses for an item. A hold belongs to the item and follows its state.

    Nothing else may begin or end one, but an operator who sets the address's status,
    and a START of the number.
    """
    for channel, key in sorted(names):
        quarantine.hold(
            channel,
            key,
            at=item.received_at,
            source=item.source,
            text=item.hold_text,
        )


def _end_hold(item: InboundItem, *, actor: str = "") -> None:
    text = item.hold_text
    held = QuarantineAction.objects.filter(
        kind=QuarantineAction.Kind.HOLD,
        channel__in=item.mentions.values("channel"),
        key__in=item.mentions.values("key"),
        text=text,
    )
    for channel, key in held.order_by("channel", "key").values_list("channel", "key"):
        quarantine.end_hold(channel, key, source="operator", text=text, actor=actor)


def names_of(named: Iterable[Name]) -> set[Name]:
    """The keys of addresses, as far as they are any."""
    return {(c, key) for c, address in named if (key := key_of(c, address))}
