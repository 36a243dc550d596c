"""The brand of a page as a stylesheet of its own: its address is its colours.

So a version, a draft and a preview each have the right one, nothing is inline, and
browsers may keep it for ever.
"""

import re

from django.urls import reverse

from audiences.landing_pages import Content
from audiences.wording.colours import text_on

NAME = r"[0-9a-f]{6}-[0-9a-f]{6}-[0-9a-f]{6}"


def stylesheet_url(content: Content) -> str:
    """Where the stylesheet of a page's brand is."""
    brand = content["brand"]
    colours = brand["brand_colour"], brand["text_on_brand"], brand["background_colour"]
    name = "-".join(colour.lstrip("#") for colour in colours)
    return reverse("pages:brand", args=[name])


def logo_url(content: Content) -> str:
    """Where the page's logo is; empty when it has none."""
    logo = content["brand"]["logo"]
    return reverse("pages:logo", args=[logo]) if logo else ""


def stylesheet(name: str) -> str:
    """The stylesheet of three colours, such as 1a56a8-ffffff-f1f4f8."""
    if not re.fullmatch(NAME, name):
        raise ValueError(f"{name!r} does not name three colours")
    brand, text, background = (f"#{colour}" for colour in name.split("-"))
    return (
        f":root{{--brand:{brand};--text-on-brand:{text};"
        f"--background:{background};--text-on-background:{text_on(background)}}}\n"
    )
