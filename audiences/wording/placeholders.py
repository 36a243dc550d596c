"""The template language of operators' messages: places of a fixed set, nothing else.

`{{ service.label }}` is a place. There are no tags, filters or attributes, so a text
can read nothing but the fields that its message has. `problems` finds every mistake
when the text is saved.
"""

import re
from collections.abc import Callable, Collection, Mapping

_PLACE = re.compile(r"\{\{([^{}]*)\}\}")
# What was meant as one: braces within it are a mistake to name.
_MEANT = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
# CommonMark 2.4: any of these may follow a backslash.
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
LONGEST_TEXT = 20_000


def places(text: str) -> list[str]:
    """The names in the places of a text, in their order."""
    return [found.strip() for found in _PLACE.findall(text)]


def problems(text: str, fields: Collection[str]) -> list[str]:
    """What is wrong with a text, each in a sentence; nothing when it can be filled."""
    known = ", ".join(f"{{{{ {name} }}}}" for name in fields)
    found = [
        f"There is no {{{{ {name} }}}} in this message. There are: {known}."
        for name in dict.fromkeys(place.strip() for place in _MEANT.findall(text))
        if name not in fields
    ]
    rest = _MEANT.sub("", text)
    if "{{" in rest or "}}" in rest:
        found.append("A place begins with {{ and ends with }}: one of them is missing.")
    if "{%" in rest or "%}" in rest:
        found.append("{% … %} means nothing here. There are only places: " + known)
    if len(text) > LONGEST_TEXT:
        found.append(f"It is longer than {LONGEST_TEXT:,} characters.")
    if "\0" in text:
        found.append("It contains a NUL character.")
    return found


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its places filled, as it is: for a subject or an SMS."""
    return fill_by(text, lambda name: values.get(name, ""))


def fill_by(text: str, value: Callable[[str], str | None]) -> str:
    """The text with each place filled by its name; None leaves it as it stands."""

    def filled(place: re.Match[str]) -> str:
        found = value(place[1].strip())
        return place[0] if found is None else found

    return _PLACE.sub(filled, text)


def fill_markdown(text: str, values: Mapping[str, str]) -> str:
    """The Markdown text with its places filled.

    What a value holds is text and never Markdown. An address of the web becomes a
    link, unless it stands where Markdown wants an address: `[label]({{ link }})`.
    """

    def value(place: re.Match[str]) -> str:
        found = " ".join(values.get(place[1].strip(), "").split())
        if re.match(r"https?://[^\s<>]+\Z", found):
            bare = text[: place.start()].endswith("](")
            return found if bare else f"<{found}>"
        return _PUNCTUATION.sub(r"\\\1", found)

    return _PLACE.sub(value, text)
