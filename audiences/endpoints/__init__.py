"""Programs that are told what happens, at a web address of theirs."""

from audiences.endpoints.networks import NotPublic
from audiences.endpoints.queue import NoSuchChange, replay, send_again, unfinished
from audiences.endpoints.registering import (
    BadEndpoint,
    NoSuchEndpoint,
    Shown,
    change,
    create,
    enable,
    find,
    remove,
    rotate,
)
from audiences.endpoints.sending import work

__all__ = [
    "BadEndpoint",
    "NoSuchChange",
    "NoSuchEndpoint",
    "NotPublic",
    "Shown",
    "change",
    "create",
    "enable",
    "find",
    "remove",
    "replay",
    "rotate",
    "send_again",
    "unfinished",
    "work",
]
