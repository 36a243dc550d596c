"""The template language of operators' messages: places of a fixed set, nothing else.

`{{ service.label }}` is a place. There are no tags, filters or attributes, so a text
can read nothing but the fields that its message has. `problems` finds every mistake
when the text is saved.
"""

import re
from collections.abc import Callable, Collection, Mapping

_PLACE = re.compile(r"\{\{([^{}]*)\}\}")
# CommonMark 2.4: any of these may follow a backslash.
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
# What makes mail programs see the address of a page or a mailbox in a text.
_IN_ADDRESS = re.compile(r"(?<=\w)[.@](?=\w)|:(?=//)")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>]+")
# Invisible, and no part of any address.
_WORD_JOINER = "\u2060"
# The places whose words people may have typed themselves.
_OF_PEOPLE = "profile."
LONGEST_TEXT = 20_000
# The most unknown places that are named; a text with more is not a text.
MOST_NAMED = 10


def places(text: str) -> list[str]:
    """The names in the places of a text, in their order."""
    return [found.strip() for found in _PLACE.findall(text)]


def problems(text: str, fields: Collection[str]) -> list[str]:
    """What is wrong with a text, each in a sentence; nothing when it can be filled."""
    if len(text) > LONGEST_TEXT:
        return [f"It is longer than {LONGEST_TEXT:,} characters."]
    known = ", ".join(f"{{{{ {name} }}}}" for name in fields)
    meant, rest = _meant(text)
    unknown = [name for name in dict.fromkeys(meant) if name not in fields]
    found = [
        f"There is no {{{{ {name} }}}} in this message. There are: {known}."
        for name in unknown[:MOST_NAMED]
    ]
    if "{{" in rest or "}}" in rest:
        found.append("A place begins with {{ and ends with }}: one of them is missing.")
    if "{%" in rest or "%}" in rest:
        found.append("{% … %} means nothing here. There are only places: " + known)
    if "\0" in text:
        found.append("It contains a NUL character.")
    return found


def _meant(text: str) -> tuple[list[str], str]:
    """What was meant as a place, braces within it and all; and the rest of the text.

    Each `{{` with the next `}}`. No pattern: one would look for the end of each again.
    """
    names: list[str] = []
    rest: list[str] = []
    done = 0
    while (start := text.find("{{", done)) >= 0:
        end = text.find("}}", start + 2)
        if end < 0:
            break
        names.append(text[start + 2 : end].strip())
        rest.append(text[done:start])
        done = end + 2
    return names, "".join([*rest, text[done:]])


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its places filled, as it is: for a subject."""
    return fill_by(text, lambda name: values.get(name, ""))


def fill_text(text: str, values: Mapping[str, str]) -> str:
    """The text with its places filled, for an SMS: no name becomes a link."""
    return fill_by(text, lambda name: _said(name, values))


def _said(name: str, values: Mapping[str, str]) -> str:
    found = values.get(name, "")
    return without_addresses(found) if name.startswith(_OF_PEOPLE) else found


def without_addresses(text: str) -> str:
    """What a person typed, as a mail may say it: nothing in it becomes a link.

    Mail programs make one of whatever looks like an address. A name such as
    `https://evil.example` or `evil.example` gets something invisible between its parts.
    """
    return _IN_ADDRESS.sub(rf"\g<0>{_WORD_JOINER}", text)


def fill_by(text: str, value: Callable[[str], str | None]) -> str:
    """The text with each place filled by its name; None leaves it as it stands."""

    def filled(place: re.Match[str]) -> str:
        found = value(place[1].strip())
        return place[0] if found is None else found

    return _PLACE.sub(filled, text)


def fill_markdown(text: str, values: Mapping[str, str]) -> str:
    """The Markdown text with its places filled.

    What a value holds is text and never Markdown. An address of the web becomes a
    link, unless it is a person's name or stands where Markdown wants an address:
    `[label]({{ link }})`.
    """

    def value(place: re.Match[str]) -> str:
        name = place[1].strip()
        found = " ".join(_said(name, values).split())
        if not name.startswith(_OF_PEOPLE) and _WEB_ADDRESS.fullmatch(found):
            bare = text.endswith("](", 0, place.start())
            return found if bare else f"<{found}>"
        return _PUNCTUATION.sub(r"\\\1", found)

    return _PLACE.sub(value, text)
