"""Bodies as programs send them: JSON that says one thing only, in texts we can keep."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser

from audiences.api.problems import Problem, of_body


class Reader(Parser):
    """Bodies are JSON and say so: else a form would be taken for what it is not."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            raise Problem(
                415,
                f"The body is said to be {request.content_type or 'nothing'!r}.",
                field="Content-Type",
                remedy="Send JSON, with Content-Type: application/json.",
            )
        coding = request.headers.get("Content-Encoding", "identity")
        if coding.lower() != "identity":
            raise Problem(
                415,
                f"The body is said to be coded: {coding!r}.",
                field="Content-Encoding",
                remedy="Send it as it is.",
                headers={"Accept-Encoding": "identity"},
            )
        return read(request.body)


def read(body: bytes) -> Any:
    """What a body says; raises Problem, and ValueError where it is no JSON."""
    twice: list[tuple[Any, str]] = []

    def whole(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """An object whose keys are all different (RFC 8259, 4): else which counts?"""
        found = dict(pairs)
        if len(found) < len(pairs):
            count = Counter(name for name, _value in pairs)
            twice.append((found, count.most_common(1)[0][0][:200]))
        return found

    text = body.decode().removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    said = json.loads(text, object_pairs_hook=whole, parse_constant=_no_number)
    if twice:
        raise _repeated(said, *twice[0])
    # Only an escape can write what UTF-8 cannot.
    if b"\\u" in body:
        for at, part in _parts(said):
            if isinstance(part, str) and not can_be_kept(part):
                raise bad_character(at or "body")
    return said


def _repeated(said: Any, where: Any, name: str) -> Problem:
    at = next((at for at, part in _parts(said) if part is where), "")
    return Problem(
        422,
        f"An object has the key {name!r} more than once.",
        code="repeated_key",
        field=f"{at}.{name}" if at else name,
        remedy="Send each key of an object once.",
    )


def bad_character(field: str) -> Problem:
    """A text that no database keeps."""
    return Problem(
        422,
        "A text has a character that cannot be kept: U+0000, or half of a pair.",
        code="bad_character",
        field=field,
        remedy="Leave the character out.",
    )


def _no_number(name: str) -> Any:
    raise Problem(
        400,
        f"The body is not JSON: {name} is no number.",
        field="body",
        remedy="Send a number in digits, or null.",
    )


def _parts(said: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Everything that a body says, with its path, as items.3.channel; keys too."""
    yield at, said
    if isinstance(said, dict):
        for name, value in said.items():
            shown = "".join(
                c if can_be_kept(c) else "\N{REPLACEMENT CHARACTER}" for c in name
            )
            inner = f"{at}.{shown}" if at else shown
            yield inner, name
            yield from _parts(value, inner)
    elif isinstance(said, list):
        for place, value in enumerate(said):
            yield from _parts(value, f"{at}.{place}" if at else str(place))


def refuse_any(request: HttpRequest) -> None:
    """Refuse what is sent to a call that takes nothing; an empty object is nothing."""
    if not request.body:
        return
    try:
        said = Reader().parse_body(request)
    except Exception as error:
        raise of_body(error) from error
    if said == {}:
        return
    name = str(next(iter(said)))[:200] if isinstance(said, dict) else "body"
    raise Problem(
        422,
        "This call takes no body.",
        code="unknown_field",
        field=name,
        remedy="Send none, or an empty object.",
    )


def can_be_kept(text: str) -> bool:
    """Whether the database takes a text: no NUL, and no surrogate alone."""
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
