"""From an item that arrived to its effects: stored first, matched, counted once."""

from delivery.feedback.intake.applying import EventOutcome, apply
from delivery.feedback.intake.processing import (
    READERS,
    Findings,
    process,
    process_waiting,
    receive,
    register,
    settle,
)

__all__ = [
    "READERS",
    "EventOutcome",
    "Findings",
    "apply",
    "process",
    "process_waiting",
    "receive",
    "register",
    "settle",
]
