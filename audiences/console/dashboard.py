"""The home page: cards and what needs attention, each made by the code that knows it.

`delivery` adds its own when it is ready, because `audiences` may not import it. A maker
gets the request and the figures that were counted last, and is asked only for operators
with its permission. Nothing here counts a big table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise

from audiences.background import figures
from audiences.console.pages import Facts
from audiences.models import Figure
from audiences.registry import Registry

Figures = Mapping[str, Figure]


@dataclass(frozen=True)
class Card:
    """A panel of the home page; `figure` names the count that it shows, if any."""

    title: str | Promise
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    figure: Figure | None = None
    is_wide: bool = False


@dataclass(frozen=True)
class Notice:
    """One thing that needs attention: a sentence, and where to act."""

    text: str
    url: str = ""
    tone: str = "warn"


CardMaker = Callable[[HttpRequest, Figures], Card]
NoticeMaker = Callable[[HttpRequest, Figures], list[Notice]]
# Each with the permission of those who see it.
_cards: Registry[int, tuple[str, CardMaker]] = Registry("card at position")
_notices: Registry[NoticeMaker, tuple[str, NoticeMaker]] = Registry("notice")
_tasks: Registry[NoticeMaker, tuple[str, NoticeMaker]] = Registry("task")


def card(position: int, permission: str) -> Callable[[CardMaker], CardMaker]:
    """Make a function a card of the home page, at a place among the others."""
    return lambda maker: _cards.add(position, (permission, maker))[1]


def attention(permission: str = "") -> Callable[[NoticeMaker], NoticeMaker]:
    """Make a function tell what needs attention; without a permission, everybody."""
    return lambda maker: _notices.add(maker, (permission, maker))[1]


def task(permission: str) -> Callable[[NoticeMaker], NoticeMaker]:
    """Make a function tell what waits for the one who asks, and for nobody else yet."""
    return lambda maker: _tasks.add(maker, (permission, maker))[1]


def _told(
    request: HttpRequest,
    latest: Figures,
    makers: Registry[NoticeMaker, tuple[str, NoticeMaker]],
) -> list[Notice]:
    """What the makers say to somebody with their permissions."""
    return [
        notice
        for permission, make in makers.values()
        if not permission or request.user.has_perm(permission)
        for notice in make(request, latest)
    ]


def context(request: HttpRequest) -> Facts:
    """What the template of the home page needs."""
    latest, may = figures.latest(), request.user.has_perm
    return {
        "cards": [
            make(request, latest)
            for _position, (permission, make) in sorted(_cards.items())
            if may(permission)
        ],
        "tasks": _told(request, latest, _tasks),
        "notices": _told(request, latest, _notices),
        "may_search": may("audiences.view_profile"),
    }
