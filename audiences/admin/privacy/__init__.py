"""What the protection officer works with: requests, erasures, retention, proof."""

from . import erasures, home, ledger, people, requests, retention, suppressions

__all__ = [
    "erasures",
    "home",
    "ledger",
    "people",
    "requests",
    "retention",
    "suppressions",
]
