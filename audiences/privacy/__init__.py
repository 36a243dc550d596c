"""Forgetting people: erasure on request, and data that is not kept for long."""

from audiences.privacy.erasure import clean_up, erase

__all__ = [
    "clean_up",
    "erase",
]
