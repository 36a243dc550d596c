"""The organisation that sends: one row, and its only writer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from typing import Any

from django.core.exceptions import ValidationError
from django.db import Error
from django.utils.translation import gettext as _

from audiences.models import Organisation
from audiences.wording import page_texts
from audiences.wording.colours import LEAST_CONTRAST, contrast, text_on

# What was read within `read_once`; None outside of it.
_remembered: ContextVar[list[Organisation] | None] = ContextVar(
    "organisation", default=None
)
# Seconds in which public pages do not read again who sends.
KEPT = 5.0
# What this process read last, and when: pages say who sends also while the database is
# away, and opting out costs no statement for it.
_last: list[tuple[float, Organisation]] = []


@contextmanager
def read_once() -> Iterator[None]:
    """Within it the row is read at most once: for a page, or many deliveries."""
    token = _remembered.set([])
    try:
        yield
    finally:
        _remembered.reset(token)


def organisation() -> Organisation:
    """What is known of the organisation; an empty one before anybody wrote it."""
    remembered = _remembered.get()
    if remembered:
        return remembered[0]
    found = Organisation.objects.filter(pk=Organisation.THE_ONE).first()
    found = found or Organisation(pk=Organisation.THE_ONE)
    _last[:] = [(time.monotonic(), found)]
    if remembered is not None:
        remembered.append(found)
    return found


def last_known() -> Organisation:
    """The same for public pages, at most KEPT seconds old.

    Where the database does not answer, it is what was read last.
    """
    # A copy: another thread may forget it meanwhile.
    kept = _last[:1]
    for read_at, found in kept:
        if read_at > time.monotonic() - KEPT:
            return found
    try:
        return organisation()
    except Error:
        return kept[0][1] if kept else Organisation(pk=Organisation.THE_ONE)


def forget() -> None:
    """Read it anew for the next page, as after a change."""
    _last.clear()


def change(**facts: Any) -> Organisation:
    """Write these facts of the organisation; raises ValidationError."""
    row = copy(organisation())  # pages go on with what is still true
    for name, value in facts.items():
        setattr(row, name, value)
    row.full_clean(validate_constraints=False, exclude=["id"], validate_unique=False)
    known = [code for code, _name in page_texts.languages()]
    if {*row.languages} - {*known}:
        raise ValidationError({"languages": _("The pages do not speak this language.")})
    if contrast(row.brand_colour, row.text_on_brand) < LEAST_CONTRAST:
        raise ValidationError(
            {"text_on_brand": too_faint(row.brand_colour, row.text_on_brand)}
        )
    row.save()
    forget()
    return row


def too_faint(button: str, text: str) -> str:
    """What is wrong with the colours of the button, and which text can be read."""
    best = text_on(button)
    return _(
        "The text can hardly be read on the button: its contrast is {found}, and at "
        "least {least} is needed (WCAG 2.2). Choose {best}: its contrast is {ratio}."
    ).format(
        found=f"{contrast(button, text):.1f}",
        least=LEAST_CONTRAST,
        best=best,
        ratio=f"{contrast(button, best):.1f}",
    )
