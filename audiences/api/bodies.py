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
    said = json.loads(
        body.decode(), object_pairs_hook=_object, parse_constant=_no_number
    )
    # Only an escape can write what UTF-8 cannot.
    if b"\\u" in body and not all(map(can_be_kept, _texts(said))):
        raise Problem(
            422,
            "A text has a character that cannot be kept: U+0000, or half of a pair.",
            code="bad_character",
        )
    return said


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different (RFC 8259, 4): else which one counts?"""
    found = dict(pairs)
    if len(found) < len(pairs):
        count = Counter(name for name, _value in pairs)
        twice = count.most_common(1)[0][0][:200]
        raise Problem(
            422,
            f"An object has the key {twice!r} more than once.",
            code="repeated_key",
            field=twice,
            remedy="Send each key of an object once.",
        )
    return found


def _no_number(name: str) -> Any:
    raise Problem(400, f"The body is not JSON: {name} is no number.", field="body")


def _texts(said: Any) -> Iterator[str]:
    if isinstance(said, str):
        yield said
    elif isinstance(said, dict):
        for name, value in said.items():
            yield name
            yield from _texts(value)
    elif isinstance(said, list):
        for value in said:
            yield from _texts(value)


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
    name = next(iter(said), "") if isinstance(said, dict) else ""
    raise Problem(
        422,
        "This call takes no body.",
        code="unknown_field",
        field=".".join(filter(None, ("body", name[:200]))),
        remedy="Send none, or an empty object.",
    )


def can_be_kept(text: str) -> bool:
    """Whether the database takes a text: no NUL, and no surrogate alone."""
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
