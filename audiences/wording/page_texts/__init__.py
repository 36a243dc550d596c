"""All wording of the public pages and their mails: one TOML file for each language.

A third language is one more file with the same keys. `{messages}`, `{address}` and so
on are filled in when a text is shown.
"""

import functools
import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


class MissingText(LookupError):
    """A file of texts lacks a key."""


def languages() -> list[tuple[str, str]]:
    """The languages that have a file: pairs of a code and its own name.

    English first, which all others are translations of: where a list is in this order,
    its first language is for those who speak none of them. The rest by code.
    """
    codes = sorted(path.stem for path in FOLDER.glob("*.toml"))
    codes.sort(key=lambda code: code != "en")
    return [(code, str(texts(code)["language"]["name"])) for code in codes]


@functools.cache
def texts(language: str) -> dict[str, Any]:
    """All texts of a language, as tables of texts."""
    with (FOLDER / f"{language}.toml").open("rb") as file:
        return tomllib.load(file)


def text(language: str, path: str, **values: object) -> str:
    """One text by its path, such as "page.undo"; `values` fill its places.

    Raises MissingText. What `values` hold is not escaped: templates do that.
    """
    found: Any = texts(language)
    for name in path.split("."):
        if not isinstance(found, dict) or name not in found:
            raise MissingText(f"{language}.toml has no {path}")
        found = found[name]
    return fill(str(found), **values)


def fill(words: str, **values: object) -> str:
    """Put values into the places of a text; unknown places stay as they are."""
    for name, value in values.items():
        words = words.replace(f"{{{name}}}", str(value))
    return words


def closest(language: str, offered: list[str]) -> str:
    """The offered language that a code such as nl-BE means; empty when there is none.

    BCP 47 lookup: the code itself, then its beginning.
    """
    wanted = language.replace("_", "-").lower()
    by_code = {code.lower(): code for code in offered}
    while wanted:
        if wanted in by_code:
            return by_code[wanted]
        wanted = wanted.rpartition("-")[0]
    return ""
