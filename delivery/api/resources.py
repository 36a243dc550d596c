"""Which resources of the API are about deliveries."""

from audiences.api.site import add
from delivery.api.contactable import contactable

add(contactable)
