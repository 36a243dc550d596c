"""Colours of a brand, and whether people can read text on them (WCAG 2.2, 1.4.3)."""

import re

# For text of ordinary size.
LEAST_CONTRAST = 4.5
DARK, LIGHT = "#1b1f24", "#ffffff"


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours (#rrggbb), 1 to 21; raises ValueError."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def text_on(background: str) -> str:
    """The colour of text, dark or light, that is read best on a background."""
    return max((DARK, LIGHT), key=lambda colour: contrast(colour, background))


def readable_on(colour: str, background: str, least: float = LEAST_CONTRAST) -> str:
    """The colour itself where it can be read there, else the nearest that can.

    It is mixed with white or black, whichever can be read there, step by step.
    """
    towards = text_on(background)
    for step in range(11):
        mixed = mix(colour, towards, step / 10)
        if contrast(mixed, background) >= least:
            return mixed
    return towards


def mix(colour: str, other: str, part: float) -> str:
    """A colour with a part (0 to 1) of another one in it."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in pairs)


def _channels(colour: str) -> list[int]:
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]


def _luminance(colour: str) -> float:
    """The relative luminance as WCAG defines it."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise ValueError(f"{colour!r} is not a colour such as #1a56a8")
    channels = [channel / 255 for channel in _channels(colour)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
