"""The organisation that sends: one row, and its only writer."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from audiences.models import Organisation

_remembered: ContextVar[Organisation | None] = ContextVar("organisation", default=None)


@contextmanager
def read_once() -> Iterator[None]:
    """Within it the row is read once: for work on many deliveries at a time."""
    token = _remembered.set(organisation())
    try:
        yield
    finally:
        _remembered.reset(token)


def organisation() -> Organisation:
    """What is known of the organisation; an empty one before anybody wrote it."""
    if remembered := _remembered.get():
        return remembered
    found = Organisation.objects.filter(pk=Organisation.THE_ONE).first()
    return found or Organisation(pk=Organisation.THE_ONE)


def change(**facts: Any) -> Organisation:
    """Write these facts of the organisation; raises ValidationError."""
    row = organisation()
    for name, value in facts.items():
        setattr(row, name, value)
    row.full_clean(validate_constraints=False, exclude=["id"], validate_unique=False)
    row.save()
    return row
