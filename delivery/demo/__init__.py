"""A small world for trying everything out."""

from delivery.demo.loading import (
    DELIVERY,
    PREFERENCES,
    SIGN_UP,
    STOP,
    OtherPeople,
    is_loaded,
    load,
)
from delivery.demo.people import VISITOR

__all__ = [
    "DELIVERY",
    "PREFERENCES",
    "SIGN_UP",
    "STOP",
    "VISITOR",
    "OtherPeople",
    "is_loaded",
    "load",
]
