"""Services and their subscribers: acts, double opt-in, messages, reports."""

from audiences.subscriptions.bulk import expire, subscribe_all, unsubscribe_all
from audiences.subscriptions.double_opt_in import ask, confirm, request
from audiences.subscriptions.services import (
    NoSuchService,
    ServiceClosed,
    create_service,
    find_service,
)
from audiences.subscriptions.writing import (
    NoteNeeded,
    active,
    ended,
    subscribe,
    unsubscribe,
)

__all__ = [
    "NoSuchService",
    "NoteNeeded",
    "ServiceClosed",
    "active",
    "ask",
    "confirm",
    "create_service",
    "ended",
    "expire",
    "find_service",
    "request",
    "subscribe",
    "subscribe_all",
    "unsubscribe",
    "unsubscribe_all",
]
