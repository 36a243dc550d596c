"""What an attempt to process items has set in memory, and taking it back."""

from collections.abc import Iterable
from typing import Any

from delivery.feedback.intake.concluding import CONCLUDED
from delivery.models import InboundItem

Given = dict[int, dict[str, Any]]


def facts_of(items: Iterable[InboundItem]) -> Given:
    """What an attempt to process the items may change in them."""
    return {item.pk: {n: getattr(item, n) for n in CONCLUDED} for item in items}


def restore(items: Iterable[InboundItem], given: Given) -> None:
    """What a transaction that failed has set is not true."""
    for item in items:
        for name, value in given[item.pk].items():
            setattr(item, name, value)


def as_stored(items: Iterable[InboundItem]) -> None:
    """`restore` to what the database has by now."""
    items = list(items)
    stored = InboundItem.objects.in_bulk([item.pk for item in items])
    restore(items, facts_of(stored.values()))
