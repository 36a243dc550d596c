"""What every call has, added to the description that is made of the code."""

from typing import Any, NamedTuple

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
    "500": "Something went wrong here; nothing was done, and the log says what it was.",
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


class Follow(NamedTuple):
    """Calls that take the name of what another call has made.

    `status` is that of its answer, `name` the expression of the name in it, and
    `parameter` what the name fills in `calls` (OpenAPI 3.1, Link Object).
    """

    status: str
    name: str
    parameter: str
    calls: tuple[str, ...]


_BY_ID, _FROM_ID = "id:{$response.body#/id}", "$response.body#/id"
LINKS = {
    "profiles_create": Follow(
        *("201", _BY_ID, "profile"),
        ("profiles_read", "profiles_change", "profiles_attach", "consent_history"),
    ),
    "services_create": Follow(
        *("201", "$response.body#/slug", "slug"),
        ("services_read", "services_change"),
    ),
    "audiences_create": Follow(
        *("201", "$response.body#/name", "name"),
        ("audiences_read", "audiences_change", "audiences_count"),
    ),
    "deliveries_create": Follow(
        *("201", _BY_ID, "delivery"),
        (
            *("deliveries_read", "deliveries_content", "deliveries_read_content"),
            "deliveries_prepare",
            *("deliveries_read_status", "deliveries_cancel"),
        ),
    ),
    "deliveries_prepare": Follow("202", _FROM_ID, "job", ("jobs_read",)),
    "endpoints_create": Follow(
        *("201", _FROM_ID, "number"),
        (
            *("endpoints_read", "endpoints_change", "endpoints_rotate"),
            *("endpoints_calls", "endpoints_remove"),
        ),
    ),
    "imports_upload": Follow("202", _FROM_ID, "job", ("jobs_read",)),
    "privacy_requests_record": Follow(
        "201", _FROM_ID, "number", ("privacy_requests_read",)
    ),
}


def completed(schema: Any) -> Any:
    """The description with the errors, headers and parameters of all calls."""
    shapes = schema["components"].setdefault("schemas", {})
    shapes["Problem"] = ProblemOut.model_json_schema()
    for path in schema["paths"].values():
        for call in path.values():
            _complete(call)
            _link(call)
    return schema


def _link(call: dict[str, Any]) -> None:
    if found := LINKS.get(call["operationId"]):
        call["responses"][found.status]["links"] = {
            name: {"operationId": name, "parameters": {found.parameter: found.name}}
            for name in found.calls
        }


def _complete(call: dict[str, Any]) -> None:
    if "x-described" in call:
        return
    call["x-described"] = True
    is_act = call.get("x-scope", "").endswith(":write")
    given = call.setdefault("parameters", [])
    for parameter in given:
        # Ninja repeats those of the schema, where OpenAPI has a map (4.8.12.2).
        parameter.pop("examples", None)
    if is_act:
        given.append(DRY_RUN)
        given.append(IDEMPOTENCY)
    if call.pop("x-if-match", False):
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
