"""Which resources of the API are about deliveries."""

from audiences.api.site import add
from delivery.api import delivery_results
from delivery.api.contactable import contactable
from delivery.api.deliveries import deliveries
from delivery.api.messages import messages
from delivery.api.quarantine import quarantine

__all__ = ["delivery_results"]  # it adds its calls to `deliveries`
add(contactable, quarantine, deliveries, messages)
