"""Our own mails and SMS: first a row, later sent at most once."""

from audiences.outbox.composing import (
    Result,
    Words,
    button_of,
    closest_language,
    composes,
    site_name,
    words,
)
from audiences.outbox.queue import is_on_its_way, on_their_way, put, put_all
from audiences.outbox.sending import (
    UNREACHABLE,
    send_again,
    send_waiting,
    why_not_again,
)

__all__ = [
    "UNREACHABLE",
    "Result",
    "Words",
    "button_of",
    "closest_language",
    "composes",
    "is_on_its_way",
    "on_their_way",
    "put",
    "put_all",
    "send_again",
    "send_waiting",
    "site_name",
    "why_not_again",
    "words",
]
