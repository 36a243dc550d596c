"""Figures of home and of other pages, counted in the background, kept with their time.

A figure is one function under a name. A request reads what was counted last; nothing
of it scans a big table while somebody waits.
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
    """Make a function, which returns what JSON can hold, the figure of that name.

    What home does not show may be long, and is read by `kept` alone.
    """

    if not is_of_home:
        _of_one_page.add(name)
    return lambda counter: _counters.add(name, counter)


def names() -> list[str]:
    return sorted(_counters)


def refresh(only: str = "") -> None:
    """Count again: one figure, or all; each has a transaction of its own."""
    for name in [only] if only else names():
        began = time.monotonic()
        at = timezone.now()
        with transaction.atomic():
            data = _counters[name]()
            seconds = time.monotonic() - began
            Figure.objects.update_or_create(
                name=name, defaults={"data": data, "at": at, "seconds": seconds}
            )


def latest() -> dict[str, Figure]:
    """What was counted last, by name; those that never were are absent."""
    wanted = [name for name in names() if name not in _of_one_page]
    return {figure.name: figure for figure in Figure.objects.filter(name__in=wanted)}


def kept(name: str) -> Figure | None:
    """One figure as it was counted last; None when it never was."""
    return Figure.objects.filter(name=name).first()
