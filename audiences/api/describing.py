"""What every call has, added to the description that is made of the code."""

from collections.abc import Mapping
from typing import Any

from audiences.api.shapes import ProblemOut

PROBLEMS = {
    "400": "The request cannot be read.",
    "401": "No key, or one that does not count.",
    "403": "The key lacks the scope.",
    "404": "There is nothing by this name.",
    "409": "It is refused as things are; `detail` says why.",
    "412": "It has changed since it was read (If-Match).",
    "413": "The request is too big.",
    "415": "The body is not said to be JSON.",
    "422": "Something in the request is not right; `errors` name the fields.",
    "429": "Too many requests of this key in a minute.",
    "503": "The database is busy or away: send it again (Retry-After).",
}
_ONLY_WRITES = ("412",)
IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 255, "pattern": "^[!-~]*$"},
    "description": "The same key and request again: the same answer, no second act.",
}
DRY_RUN = {
    "name": "dry_run",
    "in": "query",
    "required": False,
    "schema": {"type": "boolean", "default": False},
    "description": "Answer what would happen, and take it back.",
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 200, "pattern": "^[!-~]*$"},
    "description": "The ETag of what was read: refused if it has changed since.",
}


# What is made by a call, and the calls that take its name: the expression of it in the
# answer, and the parameter that it fills (OpenAPI 3.1, Link Object).
LINKS: Mapping[tuple[str, str], tuple[str, str, tuple[str, ...]]] = {
    ("profiles_create", "201"): (
        *("profile", "id:{$response.body#/id}"),
        ("profiles_read", "profiles_change", "profiles_attach", "consent_history"),
    ),
    ("services_create", "201"): (
        *("slug", "$response.body#/slug"),
        ("services_read", "services_change"),
    ),
    ("audiences_create", "201"): (
        *("name", "$response.body#/name"),
        ("audiences_read", "audiences_change", "audiences_count"),
    ),
    ("deliveries_create", "201"): (
        *("delivery", "id:{$response.body#/id}"),
        (
            *("deliveries_read", "deliveries_content", "deliveries_prepare"),
            *("deliveries_read_status", "deliveries_cancel"),
        ),
    ),
    ("deliveries_prepare", "202"): (
        *("job", "$response.body#/id"),
        ("jobs_read",),
    ),
    ("endpoints_create", "201"): (
        *("number", "$response.body#/id"),
        (
            *("endpoints_read", "endpoints_change", "endpoints_rotate"),
            *("endpoints_calls", "endpoints_remove"),
        ),
    ),
    ("imports_upload", "202"): (*("job", "$response.body#/id"), ("jobs_read",)),
    ("privacy_requests_record", "201"): (
        *("number", "$response.body#/id"),
        ("privacy_requests_read",),
    ),
}


def completed(schema: Any) -> Any:
    """The description with the errors, headers and parameters of all calls."""
    shapes = schema["components"].setdefault("schemas", {})
    shapes["Problem"] = ProblemOut.model_json_schema()
    for path in schema["paths"].values():
        for method, call in path.items():
            _complete(method, call)
            _link(call)
    return schema


def _link(call: dict[str, Any]) -> None:
    for (name, status), (place, value, targets) in LINKS.items():
        if call["operationId"] == name:
            call["responses"][status]["links"] = {
                target: {"operationId": target, "parameters": {place: value}}
                for target in targets
            }


def _complete(method: str, call: dict[str, Any]) -> None:
    if "x-described" in call:
        return
    call["x-described"] = True
    is_act = call.get("x-scope", "").endswith(":write")
    given = call.setdefault("parameters", [])
    if is_act:
        given.append(DRY_RUN)
        given.append(IDEMPOTENCY)
        if method in ("patch", "put"):
            given.append(IF_MATCH)
    for content in call.get("requestBody", {}).get("content", {}).values():
        if "properties" in content["schema"]:
            # Of a form, too, no part is passed over.
            content["schema"]["additionalProperties"] = False
    problem = {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
    for status, text in PROBLEMS.items():
        if is_act or status not in _ONLY_WRITES:
            call["responses"].setdefault(
                status, {"description": text, "content": problem}
            )
    call["responses"] = {str(k): v for k, v in call["responses"].items()}
