"""A selection of people as a condition, so that whoever is added later is meant too."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from audiences import moments
from audiences.channels import Scope
from audiences.conditions import VERSION

from . import filters
from .filters import ANY_ADDRESS, IDS, ON_NO_DENYLIST, TITLES, Chosen

Nodes = list[dict[str, Any]]


@dataclass(frozen=True)
class AsCondition:
    """The tree that means the same; and what cannot be said, each with the reason."""

    tree: dict[str, Any] | None
    unsaid: list[str] = field(default_factory=list)


def as_condition(chosen: Chosen) -> AsCondition:
    """The condition that means the same people as the filters of a list."""
    nodes: Nodes = []
    unsaid: list[str] = []
    for name, value in chosen.items():
        try:
            nodes += _SAID[name](value)
        except CannotSay as reason:
            unsaid.append(f"{TITLES[name]}: {reason}")
        except ValueError:
            unsaid.append(
                _("{filter}: “{value}” means nothing").format(
                    filter=TITLES[name], value=value
                )
            )
    if unsaid or not nodes:
        return AsCondition(None, unsaid)
    return AsCondition({"version": VERSION, "condition": {"node": "all", "of": nodes}})


class CannotSay(Exception):
    """No condition says it; the message says why."""


def _opted_out(value: str) -> Nodes:
    if value == ON_NO_DENYLIST:
        return [
            {"node": "opted_out", "channel": scope, "negated": True}
            for scope in Scope.values
        ]
    return [{"node": "opted_out", "channel": Scope(value).value}]


def _without_address(value: str) -> Nodes:
    if value == ANY_ADDRESS:
        raise CannotSay(
            _("a condition looks at primary addresses, and this at all of them")
        )
    return [{"node": "address", "channel": value, "negated": True}]


def _address_status(value: str) -> Nodes:
    raise CannotSay(
        _("a condition looks at the primary address of a channel, and this at any")
    )


def _search(value: str) -> Nodes:
    raise CannotSay(_("what was searched for is no condition; use a filter"))


def _ids(value: str) -> Nodes:
    raise CannotSay(_("people who were ticked one by one have nothing in common"))


def _created_to(value: str) -> Nodes:
    filters.created_to(value)
    day = moments.read_day(value)
    assert day is not None  # noqa: S101
    return [{"node": "created", "before": (day + timedelta(days=1)).isoformat()}]


def _created_from(value: str) -> Nodes:
    filters.created_from(value)
    return [{"node": "created", "after": value}]


_SAID: dict[str, Callable[[str], Nodes]] = {
    "q": _search,
    "opted_out": _opted_out,
    "address_status": _address_status,
    "without_address": _without_address,
    "service": lambda value: [{"node": "subscription", "service": value}],
    "language": lambda value: [
        {"node": "profile", "field": "language", "operator": "is", "value": value}
    ],
    "tag": lambda value: [{"node": "tag", "tag": value}],
    "created_from": _created_from,
    "created_to": _created_to,
    IDS: _ids,
}
