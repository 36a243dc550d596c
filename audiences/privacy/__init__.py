"""Forgetting people: erasure on request, and data that is not kept for long."""

from audiences.privacy.erasure import erase

__all__ = [
    "erase",
]
