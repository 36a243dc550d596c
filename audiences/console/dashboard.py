"""The home page: cards and what needs attention, each made by the code that knows it.

`delivery` adds its own when it is ready, because `audiences` may not import it. A maker
gets the request and the figures that were counted last, and answers None where the
operator may not see it. Nothing here counts a big table.
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


CardMaker = Callable[[HttpRequest, Figures], Card | None]
NoticeMaker = Callable[[HttpRequest, Figures], list[Notice]]
_cards: Registry[int, CardMaker] = Registry("card at position")
_notices: Registry[NoticeMaker, NoticeMaker] = Registry("notice")


def card(position: int) -> Callable[[CardMaker], CardMaker]:
    """Make a function a card of the home page, at a place among the others."""
    return lambda maker: _cards.add(position, maker)


def attention(maker: NoticeMaker) -> NoticeMaker:
    """Make a function tell what needs attention."""
    return _notices.add(maker, maker)


def context(request: HttpRequest) -> Facts:
    """What the template of the home page needs."""
    latest = figures.latest()
    made = [maker(request, latest) for _position, maker in sorted(_cards.items())]
    return {
        "cards": [card for card in made if card],
        "notices": [n for maker in _notices for n in maker(request, latest)],
        "may_search": request.user.has_perm("audiences.view_profile"),
    }
