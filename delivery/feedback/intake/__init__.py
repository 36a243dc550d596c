"""From an item that arrived to its effects: stored first, matched, counted once."""

from delivery.feedback.intake.applying import EventOutcome, apply
from delivery.feedback.intake.late import find_late, messages_recorded
from delivery.feedback.intake.processing import (
    READERS,
    Findings,
    process,
    process_all,
    process_waiting,
    register,
    settle,
)
from delivery.feedback.intake.storing import (
    Arrived,
    receive,
    receive_all,
    receive_mails,
)

__all__ = [
    "READERS",
    "Arrived",
    "EventOutcome",
    "Findings",
    "apply",
    "find_late",
    "messages_recorded",
    "process",
    "process_all",
    "process_waiting",
    "receive",
    "receive_all",
    "receive_mails",
    "register",
    "settle",
]
