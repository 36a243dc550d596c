"""Other programs in the console: their keys, and the endpoints that are told."""

from . import endpoints, keys

__all__ = ["endpoints", "keys"]
