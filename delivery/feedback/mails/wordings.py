"""The wordings and codes of failures, and what each says about the address.

They are in wordings.toml. Wordings come first: a server's text says more than its code
(many answer 5.1.1 for spam, or 5.7.1 for an unknown user).

Only a dead address is hard: user unknown, invalid domain, an account that ended. A
disabled account can come back, and is soft. A block of the sender's reputation,
content, policy or relaying says nothing about the address at all, and is ignored.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delivery.models.quarantine import ErrorReason, ErrorType

_FILE = Path(__file__).with_name("wordings.toml")
_TABLES: dict[str, Any] = tomllib.loads(_FILE.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Wording:
    """A wording of a server, and what it means (Q2, Q3)."""

    pattern: str
    reason: ErrorReason
    type: ErrorType
    seen_at: str


def _wording(row: dict[str, Any]) -> Wording:
    pattern = "".join(row["pattern"])
    for name, part in _TABLES["parts"].items():
        pattern = pattern.replace(f"%{name}%", "".join(part))
    reason, type = ErrorReason(row["reason"]), ErrorType(row["type"])
    return Wording(pattern, reason, type, row["seen_at"])


WORDINGS = tuple(map(_wording, _TABLES["wordings"]))
LAST_WORDINGS = tuple(map(_wording, _TABLES["last_wordings"]))
STATUSES = {
    detail: (ErrorReason(reason), ErrorType(type))
    for detail, (reason, type) in _TABLES["statuses"].items()
}
PROVIDER_STATUSES = {
    code: (ErrorReason(reason), ErrorType(type), seen_at)
    for code, (reason, type, seen_at) in _TABLES["provider_statuses"].items()
}
