"""Numbers that are held: an unclear text message stops everything until it is decided.

A hold belongs to an inbound item and follows its state. Nothing else may begin or end
one, but an operator who sets the number's status, and a START of the number.
"""

from audiences.channels import Channel
from delivery import quarantine
from delivery.models import InboundItem

State = InboundItem.State


def follow(item: InboundItem, *, actor: str = "") -> None:
    """Hold the numbers that a held item names; end its holds when it is held no more.

    The caller is in the transaction that writes the state.
    """
    if item.channel != Channel.SMS:
        return
    text = f"Held: unclear message, inbound item {item.pk}"
    for mention in item.mentions.filter(channel=Channel.SMS):
        if item.state == State.HELD:
            quarantine.hold(
                Channel.SMS,
                mention.key,
                at=item.received_at,
                source=item.source,
                text=text,
            )
        else:
            quarantine.end_hold(
                Channel.SMS, mention.key, source="operator", text=text, actor=actor
            )
