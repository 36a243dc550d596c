"""What a key may do: reading or writing a resource, or what a role may.

A key that may write a resource may read it too. Whole addresses are shown to keys that
may read profiles; others see them masked, as operators without that right do.
"""

from collections.abc import Iterable
from typing import Any

from audiences.models import ApiKey
from audiences.refusals import Refused
from audiences.roles import Code

READ, WRITE = "read", "write"
RESOURCES = (
    "profiles",
    "consent",
    "contactable",
    "services",
    "subscriptions",
    "quarantine",
    "suppressions",
    "audiences",
    "deliveries",
    "messages",
    "imports",
    "privacy-requests",
    "endpoints",
    "changes",
    "jobs",
)
SEES_ADDRESSES = "profiles:read"
# Nothing is written there: a question is no act.
ONLY_READ = ("contactable", "changes", "jobs")
SCOPES = tuple(
    f"{resource}:{verb}"
    for resource in RESOURCES
    for verb in (READ, WRITE)
    if verb == READ or resource not in ONLY_READ
)


def _all(verb: str, *resources: str) -> tuple[str, ...]:
    return tuple(f"{resource}:{verb}" for resource in resources)


# What a role's word stands for; as in the console, each sees what all may see. A scope
# that would let it do more than there is none of it: the officer puts addresses into
# quarantine and may not release them, so quarantine:write is not among its scopes.
_SEEN = (
    *("consent", "contactable", "services", "subscriptions", "quarantine"),
    *("audiences", "deliveries", "messages", "jobs"),
)
BY_ROLE: dict[str, tuple[str, ...]] = {
    Code.VIEWER: _all(READ, *_SEEN),
    Code.OPERATOR: _all(READ, *_SEEN, "profiles", "changes")
    + _all(WRITE, "profiles", "consent", "subscriptions", "quarantine", "imports"),
    Code.PUBLISHER: _all(READ, *_SEEN) + _all(WRITE, "services"),
    Code.DELIVERY_MANAGER: _all(READ, *_SEEN, "profiles")
    + _all(WRITE, "deliveries", "audiences", "messages"),
    Code.PROTECTION_OFFICER: _all(READ, *_SEEN, "profiles")
    + _all(WRITE, "suppressions", "privacy-requests"),
    Code.ADMINISTRATOR: SCOPES,
}


class BadScope(Refused):
    """There is no such scope; the message says which there are."""


def read(words: Iterable[str]) -> list[str]:
    """The scopes that words stand for: scopes, roles; raises BadScope."""
    found: set[str] = set()
    for word in words:
        if word in BY_ROLE:
            found.update(BY_ROLE[word])
        elif word in SCOPES:
            found.add(word)
        else:
            raise BadScope(
                f"There is no scope {word!r}. Scopes: {', '.join(SCOPES)}. "
                f"Roles: {', '.join(BY_ROLE)}."
            )
    if not found:
        raise BadScope("A key needs at least one scope, such as consent:read.")
    return [scope for scope in SCOPES if scope in found]


def allows(key: ApiKey, scope: str) -> bool:
    """Whether the key has a scope; who may write may read."""
    held: list[Any] = key.scopes
    resource, _colon, verb = scope.partition(":")
    return scope in held or (verb == READ and f"{resource}:{WRITE}" in held)
