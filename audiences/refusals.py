"""What the domain refuses to do."""

import re
from collections.abc import Iterable

LONGEST_ECHO = 200


class Refused(Exception):
    """Nothing was done; the message says why and what to do instead.

    Commands, pages and the API show the message as it is.
    """


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
