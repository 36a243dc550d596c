"""Which resources of the API are about deliveries."""

from audiences.api.site import add
from delivery.api import delivery_results, message_events
from delivery.api.contactable import contactable
from delivery.api.deliveries import deliveries
from delivery.api.messages import messages
from delivery.api.quarantine import quarantine

# They add their calls to `deliveries` and `messages`.
__all__ = ["delivery_results", "message_events"]
add(contactable, quarantine, deliveries, messages)
