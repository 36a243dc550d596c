"""Figures of the home page and others, counted in the background and kept.

A figure is one function under a name. A request reads the latest count, so nobody waits
while a big table is scanned.
"""

import time
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from audiences.models import Figure
from audiences.registry import Registry

Counter = Callable[[], Any]
_counters: Registry[str, Counter] = Registry("figure")
_of_one_page: set[str] = set()


def register(name: str, *, is_of_home: bool = True) -> Callable[[Counter], Counter]:
    """Make a function the figure of that name; it returns what JSON can hold.

    A figure that the home page does not show may be long; only `kept` reads it.
    """

    if not is_of_home:
        _of_one_page.add(name)
    return lambda counter: _counters.add(name, counter)


def names() -> list[str]:
    return sorted(_counters)


def refresh(only: str = "") -> None:
    """Count one figure again, or all of them, each in a transaction of its own."""
    for name in [only] if only else names():
        began = time.monotonic()
        at = timezone.now()
        with transaction.atomic():
            data = _counters[name]()
            seconds = time.monotonic() - began
            Figure.objects.update_or_create(
                name=name, defaults={"data": data, "at": at, "seconds": seconds}
            )


def keep(name: str, data: Any) -> None:
    """Keep what was seen rather than counted, under a name that nothing counts."""
    Figure.objects.update_or_create(
        name=name, defaults={"data": data, "at": timezone.now()}
    )


def latest() -> dict[str, Figure]:
    """The latest count of each figure by name; one never counted is absent."""
    wanted = [name for name in names() if name not in _of_one_page]
    return {figure.name: figure for figure in Figure.objects.filter(name__in=wanted)}


def kept(name: str) -> Figure | None:
    """The latest count of one figure; None if it was never counted."""
    return Figure.objects.filter(name=name).first()
