"""The end of what is known about a person: erasure, and what is not kept for long."""

from audiences.privacy.erasure import erase

__all__ = [
    "erase",
]
