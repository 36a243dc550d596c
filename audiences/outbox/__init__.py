"""Our own mails and SMS: first a row, later sent at most once."""

from audiences.outbox.composing import (
    Result,
    Words,
    closest_language,
    composes,
    site_name,
    words,
)
from audiences.outbox.queue import put
from audiences.outbox.sending import LONGEST_WAIT, UNREACHABLE, send_waiting

__all__ = [
    "LONGEST_WAIT",
    "UNREACHABLE",
    "Result",
    "Words",
    "closest_language",
    "composes",
    "put",
    "send_waiting",
    "site_name",
    "words",
]
