"""The brand of a page as a stylesheet of its own: its address is its colours.

So a version, a draft and a preview each have the right one, nothing is inline, and
browsers may keep it for ever. A page without a brand of its own has the organisation's.
"""

import re

from django.urls import reverse

from audiences import organisation
from audiences.landing_pages import Content
from audiences.models.brands import BACKGROUND, BRAND, TEXT_ON_BRAND
from audiences.wording.colours import readable_on, text_on

NAME = r"[0-9a-f]{6}-[0-9a-f]{6}-[0-9a-f]{6}"
# Browsers keep a stylesheet for ever: what it says of its colours has a number.
EDITION = 2
LIGHT_CARD, DARK_CARD, DARK_BACKGROUND = "#ffffff", "#1f252c", "#14181d"
# Boxes and lines, which are no text (WCAG 2.2, 1.4.11).
LEAST_OF_SHAPES = 3.0

Colours = tuple[str, str, str]


def colours(content: Content) -> Colours:
    """Button, text on it and background: the page's own, else the organisation's."""
    brand = content["brand"]
    own = brand["brand_colour"], brand["text_on_brand"], brand["background_colour"]
    return own if own != (BRAND, TEXT_ON_BRAND, BACKGROUND) else of_organisation()


def of_organisation() -> Colours:
    """The colours of the organisation."""
    row = organisation.last_known()
    of = row.brand_colour, row.text_on_brand, row.background_colour
    button, text, background = (colour.lower() for colour in of)
    return button, text, background


def stylesheet_url(content: Content) -> str:
    """Where the stylesheet of a page's brand is."""
    name = "-".join(colour.lstrip("#") for colour in colours(content))
    return f"{reverse('pages:brand', args=[name])}?{EDITION}"


def logo_url(content: Content) -> str:
    """Where the logo of the page, or of the organisation, is; empty without one."""
    logo = content["brand"]["logo"] or organisation.last_known().logo_id
    return reverse("pages:logo", args=[logo]) if logo else ""


def stylesheet(name: str) -> str:
    """The stylesheet of three colours, such as 1a56a8-ffffff-f1f4f8."""
    if not re.fullmatch(NAME, name):
        raise ValueError(f"{name!r} does not name three colours")
    brand, text, background = (f"#{colour}" for colour in name.split("-"))
    light = {
        "brand": brand,
        "text-on-brand": text,
        "accent": readable_on(brand, LIGHT_CARD, LEAST_OF_SHAPES),
        "background": background,
        "text-on-background": text_on(background),
    }
    dark = {
        "accent": readable_on(brand, DARK_CARD, LEAST_OF_SHAPES),
        "background": DARK_BACKGROUND,
        "text-on-background": text_on(DARK_BACKGROUND),
    }
    return (
        f":root{{{_said(light)}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{_said(dark)}}}}}\n"
    )


def _said(values: dict[str, str]) -> str:
    return ";".join(f"--{name}:{colour}" for name, colour in values.items())
