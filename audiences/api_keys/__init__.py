"""Keys of programs: what they may do, how often, and the answers given again."""

from audiences.api_keys.answers import Kept, again, fingerprint, keep
from audiences.api_keys.keys import (
    BadKey,
    NoSuchKey,
    Shown,
    create,
    find,
    identify,
    revoke,
    rotate,
)
from audiences.api_keys.limits import Allowed, count
from audiences.api_keys.scopes import allows

__all__ = [
    "Allowed",
    "BadKey",
    "Kept",
    "NoSuchKey",
    "Shown",
    "again",
    "allows",
    "count",
    "create",
    "find",
    "fingerprint",
    "identify",
    "keep",
    "revoke",
    "rotate",
]
