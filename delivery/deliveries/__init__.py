"""Deliveries: making, changing, finding, duplicating, deleting them."""

from delivery.deliveries.writing import (
    BadDelivery,
    create,
    delete,
    duplicate,
    find,
    link,
    list_audience,
)

__all__ = [
    "BadDelivery",
    "create",
    "delete",
    "duplicate",
    "find",
    "link",
    "list_audience",
]
