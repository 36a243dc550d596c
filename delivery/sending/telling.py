"""What the feed is told of deliveries that are sent."""

from audiences import feed
from delivery.models import Sending


def tell_sent(sending: Sending) -> None:
    """Tell that nothing of a delivery waits any more, with the fact itself."""
    delivery = sending.delivery
    feed.tell(
        [
            feed.Fact(
                name=feed.Event.SENT,
                channel=delivery.channel,
                delivery_id=delivery.pk,
                data={"label": delivery.label},
            )
        ]
    )
