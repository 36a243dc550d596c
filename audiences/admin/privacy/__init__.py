"""What the protection officer works with: requests, erasures, retention."""

from . import erasures, home, people, requests, retention

__all__ = ["erasures", "home", "people", "requests", "retention"]
