"""Answers as the description has them: no field and no header that it does not name."""

import re
from functools import cache
from typing import Any

from audiences.api.site import api

# What says where something is, or what it is compared by.
HEADERS = ("ETag", "Location", "Dry-Run", "Idempotency-Replayed", "Retry-After")


@cache
def _description() -> tuple[dict[str, Any], list[tuple[re.Pattern[str], Any]]]:
    found = api.get_openapi_schema()
    # What ends in a word is asked before what ends in a name, as by the site.
    paths = sorted(found["paths"], key=lambda path: path.endswith("}"))
    calls = [
        (re.compile(re.sub(r"{\w+}", ".+", path) + "$"), found["paths"][path])
        for path in paths
    ]
    return found["components"], calls


def strays(method: str, path: str, answer: Any) -> list[str]:
    """What an answer has that the description of its call does not name."""
    components, calls = _description()
    place = path.partition("?")[0]
    call = next((c for pattern, c in calls if pattern.match(place)), {})
    call = call.get(method.lower())
    if call is None or answer.status_code == 405:
        return []
    told = call["responses"].get(str(answer.status_code))
    if told is None:
        return [f"status {answer.status_code}"]
    found = [name for name in HEADERS if name in answer and name not in told["headers"]]
    content = told.get("content", {}).get("application/json")
    if content and answer.data is not None:
        found += _fields(components, content["schema"], answer.data, "")
    return found


def _fields(components: Any, shape: Any, data: Any, at: str) -> list[str]:
    while "$ref" in shape:
        shape = components["schemas"][shape["$ref"].rpartition("/")[2]]
    if "anyOf" in shape and data is not None:
        shapes = [each for each in shape["anyOf"] if each.get("type") != "null"]
        return _fields(components, shapes[0], data, at) if len(shapes) == 1 else []
    if isinstance(data, list):
        items = shape.get("items", {})
        return [s for each in data for s in _fields(components, items, each, at)]
    known = shape.get("properties")
    if not isinstance(data, dict) or known is None:
        return []
    return [
        stray
        for name, value in data.items()
        for stray in (
            _fields(components, known[name], value, f"{at}.{name}")
            if name in known
            else [f"{at}.{name}"]
        )
    ]
