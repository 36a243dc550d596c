"""Figures of the home page, counted in the background and kept with their time.

A figure is one function under a name. A request reads what was counted last; nothing
of it scans a big table while somebody waits.
"""

import time
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone

from .models import Figure

_counters: dict[str, Callable[[], Any]] = {}
Counter = Callable[[], Any]


def register(name: str) -> Callable[[Counter], Counter]:
    """Make a function, which returns what JSON can hold, the figure of that name."""

    def keep(counter: Counter) -> Counter:
        _counters[name] = counter
        return counter

    return keep


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
    return {figure.name: figure for figure in Figure.objects.filter(name__in=names())}
