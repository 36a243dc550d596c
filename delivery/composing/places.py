"""The places of a message: personal fields with a fallback, and links.

`{{ first_name|there }}` says the first name, or "there" where it is not known. While a
message is built, each place is a word that nothing else in it is; afterwards it is cut
at these words, once for everybody.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from audiences.refusals import Refused
from audiences.wording.placeholders import places
from delivery.content import LINKS, fallback_of, field_of, filter_in, known_fields

# A word joiner: nobody sees it.
_BETWEEN = "\u2060"
_PLACE = re.compile(r"\{\{([^{}]*)\}\}")


class CannotCompose(Refused):
    """The delivery says something that cannot be sent; the message says what to do."""


@dataclass(frozen=True)
class Place:
    """What is filled in: a fact of the person or a link, and what else there is."""

    name: str
    fallback: str = ""

    @property
    def is_link(self) -> bool:
        return self.name in LINKS


def names_in(text: str) -> set[str]:
    """The names of the places in a text."""
    return {read_place(each).name for each in places(text)}


def read_place(text: str) -> Place:
    """The place that stands between the braces."""
    return Place(field_of(text), fallback_of(text))


def check(where: str, *texts: str) -> None:
    """Raise CannotCompose with every mistake in the places of these texts."""
    found: list[str] = []
    known = known_fields()
    for text in texts:
        named = [read_place(each) for each in places(text)]
        found += [
            f"{{{{ {place.name} }}}} is not a field; there are: {', '.join(known)}."
            for place in named
            if place.name not in known
        ]
        found += [
            f"{{{{ {place.name} }}}} is a link and takes no fallback."
            for place in named
            if place.is_link and place.fallback
        ]
        found += [
            f"{{{{ {each.strip()} }}}} has the unknown filter {name}. After | stands "
            "what is said where the field is empty."
            for each in places(text)
            if (name := filter_in(each))
        ]
        rest = _PLACE.sub("", text)
        if "{{" in rest or "}}" in rest:
            found.append("A place begins with {{ and ends with }}: one is missing.")
        if "{%" in rest or "%}" in rest:
            found.append("{% … %} means nothing here: there are only places.")
    if found:
        raise CannotCompose(f"{where}: " + " ".join(dict.fromkeys(found)))


def with_mistakes_shown(text: str) -> str:
    """The text of a draft: a place that nobody can fill is no place, and is read."""

    known = known_fields()

    def shown(found: re.Match[str]) -> str:
        place = read_place(found[1])
        if place.name in known and not filter_in(found[1]):
            return found[0]
        return f"{{{_BETWEEN}{found[0][1:]}"

    return _PLACE.sub(shown, text)


class Marks:
    """The words that stand for places while a message is built.

    They are letters and digits only, so Markdown, HTML and CSS leave them as they are.
    That of a link is a web address.
    """

    def __init__(self) -> None:
        self._nonce = f"q{secrets.token_hex(6)}"
        self._places: list[Place] = []
        self._pattern = re.compile(rf"(?:https://)?{self._nonce}x(\d+)x")

    def of(self, place: Place) -> str:
        if place not in self._places:
            self._places.append(place)
        word = f"{self._nonce}x{self._places.index(place)}x"
        return f"https://{word}" if place.is_link else word

    def put(
        self, text: str, write: "Callable[[str, re.Match[str]], str] | None" = None
    ) -> str:
        """The text with a word in each place; `write` may put something around it."""

        def marked(found: re.Match[str]) -> str:
            word = self.of(read_place(found[1]))
            return write(word, found) if write else word

        return _PLACE.sub(marked, text)

    def cut(self, text: str) -> "list[str | tuple[Place, str]]":
        """Text and places by turns; with each place, all that stands before it."""
        pieces: list[str | tuple[Place, str]] = []
        end = 0
        for found in self._pattern.finditer(text):
            pieces.append(text[end : found.start()])
            pieces.append((self._places[int(found[1])], text[: found.start()]))
            end = found.end()
        return [*pieces, text[end:]]
