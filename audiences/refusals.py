"""What the domain refuses to do, and sentences that are said in any language."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from django.utils.translation import gettext, override

LONGEST_ECHO = 200


@dataclass(frozen=True, slots=True)
class Remedy:
    """What mends a refusal, by the code under which the console knows the page.

    `about` is the id of the row that it is done with, `field` the field of its form.
    """

    code: str
    about: int | None = None
    field: str = ""


class Refused(Exception):
    """Nothing was done; the message says why and what to do instead.

    Commands, pages and the API show the message as it is; the console has a link to the
    page that mends it beside it, where there is one. `hint` follows for people who type
    commands: the API leaves it out, which has a remedy of its own.
    """

    remedy: Remedy | None = None

    def __init__(self, *said: object, hint: str = "") -> None:
        super().__init__(*said)
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.without_hint} {self.hint}" if self.hint else self.without_hint

    @property
    def without_hint(self) -> str:
        """The message without the hint."""
        return super().__str__()

    def mended_by(self, code: str, about: int | None = None, field: str = "") -> Self:
        """The same refusal, which names what mends it."""
        self.remedy = Remedy(code, about, field)
        return self


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its values, said in the language of whoever reads it.

    `text` is English, marked with gettext_noop; {name} stands for a value, which may be
    a sentence too.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        said = gettext(self.text) if self.text else ""
        return said.format(**self.values) if self.values else said

    def as_json(self) -> dict[str, object]:
        """For a JSON column; `of_json` reads it."""
        values = {
            name: value.as_json() if isinstance(value, Sentence) else value
            for name, value in self.values.items()
        }
        return {"text": self.text, "values": values}

    @classmethod
    def of(cls, label: object) -> "Sentence":
        """A label that is translated when it is read, such as the one of a choice."""
        with override(None):
            return cls(str(label))

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> "Sentence":
        read = {
            name: cls.of_json(value) if isinstance(value, dict) else value
            for name, value in data["values"].items()
        }
        return cls(data["text"], read)


def shortened(message: str, given: Iterable[object]) -> str:
    """A message that repeats at most 200 characters of anything that was `given`.

    Nor of any word, which may come from a file.
    """
    for value in given:
        text = str(value)
        if len(text) > LONGEST_ECHO:
            for shown in (repr(text)[1:-1], text, text.strip(), text.casefold()):
                message = message.replace(shown, _cut(shown))
    return re.sub(r"\S{201,}", lambda word: _cut(word[0]), message)


def _cut(text: str) -> str:
    # Room is left for quotes and a full stop, which are part of the last word.
    return text[: LONGEST_ECHO - 20] + "…"
