"""Exports of other systems: recognised by their headings, one module for each."""

from collections.abc import Iterable

from audiences.files import folded

from . import (
    adobe,
    brevo,
    hubspot,
    listmonk,
    mailchimp,
    mailpoet,
    mautic,
    odoo,
    salesforce,
)
from .layout import Layout

__all__ = ["LAYOUTS", "Layout", "recognise"]

# Those with the most particular headings first.
LAYOUTS: tuple[Layout, ...] = (
    *mailchimp.LAYOUTS,
    *adobe.LAYOUTS,
    *hubspot.LAYOUTS,
    *salesforce.LAYOUTS,
    *brevo.LAYOUTS,
    *listmonk.LAYOUTS,
    *mailpoet.LAYOUTS,
    *mautic.LAYOUTS,
    *odoo.LAYOUTS,
)


def recognise(header: Iterable[str]) -> Layout | None:
    """The layout whose marks are all among the headings, if there is one."""
    given = frozenset(header)
    plain = frozenset(map(folded, given))
    return next((layout for layout in LAYOUTS if layout.fits(plain, given)), None)
