"""Texts to start from: a handful for each channel, in each language of the pages.

They are files of `starting_texts/`, one for each language, with the same codes in each.
"""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from audiences.wording import page_texts

FOLDER = Path(__file__).with_name("starting_texts")


@dataclass(frozen=True)
class Starter:
    """A text to start from: what it is called, what it is for, and what it says."""

    code: str
    channel: str
    label: str
    about: str
    subject: str
    preheader: str
    content: str


@functools.cache
def _read(language: str) -> dict[str, Starter]:
    with (FOLDER / f"{language}.toml").open("rb") as file:
        rows = tomllib.load(file)
    return {
        code: Starter(code, **row | {"content": row["content"].strip() + "\n"})
        for code, row in rows.items()
    }


def languages() -> list[str]:
    """The languages that there are texts in."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def starters(channel: str, language: str) -> list[Starter]:
    """Those for a channel, in the language or else in that of the site."""
    known = languages()
    code = page_texts.closest(language, known)
    code = code or page_texts.closest(settings.LANGUAGE_CODE, known) or known[0]
    return [each for each in _read(code).values() if each.channel == channel]
