"""A small world for trying everything out."""

from delivery.demo.loading import DELIVERY, SIGN_UP, OtherPeople, is_loaded, load
from delivery.demo.people import VISITOR
from delivery.demo.site import is_taken, open_mailbox, prepare, send, serve
from delivery.demo.telling import box, mail_lines, report, step

__all__ = [
    "DELIVERY",
    "SIGN_UP",
    "VISITOR",
    "OtherPeople",
    "box",
    "is_loaded",
    "is_taken",
    "load",
    "mail_lines",
    "open_mailbox",
    "prepare",
    "report",
    "send",
    "serve",
    "step",
]
