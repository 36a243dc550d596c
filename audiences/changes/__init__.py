"""What has changed since a moment, as transactions see it, and who waits for whom."""

from audiences.changes.clock import Seen, ended, now, this_transaction
from audiences.changes.watches import LOCK, Watch, forget_departures

__all__ = [
    "LOCK",
    "Seen",
    "Watch",
    "ended",
    "forget_departures",
    "now",
    "this_transaction",
]
