"""What all calls have in common, as OpenAPI says it."""

from typing import Any, NamedTuple

PROBLEMS = {
    "400": "The request cannot be read.",
    "401": "No key, or one that does not count.",
    "403": "The key lacks the scope.",
    "404": "There is nothing by this name.",
    "409": "It is refused as things are; `detail` says why.",
    "411": "The request does not say how long it is.",
    "412": "It has changed since it was read (If-Match).",
    "413": "The request is too big.",
    "415": "The body is not said to be JSON.",
    "422": "Something in the request is not right; `errors` name the fields.",
    "429": "Too many requests of this key in a minute.",
    "500": "Something went wrong here; nothing was done, and the log says what it was.",
    "503": "The database is busy or away: send it again (Retry-After).",
}
ONLY_WRITES = ("412",)
KEY = (
    "A key of the API, without the word Bearer: administrators make it under Settings, "
    "API keys, or with the command `create_api_key`."
)
IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": r"^[^\x00-\x1f\x7f]+$",
    },
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


# What parameters of the same name mean, wherever they are.
PARAMETERS = {
    "profile": "A person: id:12, ext:1001, addr:ann@example.org, or one of these "
    "without its prefix. In a path a slash of a name is %2F.",
    "delivery": "A delivery: id:12, label:…, or one of these without its prefix.",
    "service": "The short name (slug) of a service.",
    "audience": "The name of an audience.",
    "number": "The number that the answer gave which made it.",
    "job": "The id of a job, such as import:12.",
    "cursor": "The `cursor` of the page before; without it, the beginning.",
    "limit": "Rows of a page.",
    "find": "Only whom this names: an id, an external id or an address.",
    "channel": "The channel of the address.",
    "address": "An address, however it is written.",
    "language": "A language; without it, the text for everybody else.",
    "state": "Only what is in this state.",
    "status": "Only what has this status.",
    "which": "The target, or the excluded.",
    "event": "The event of the history; without it, the newest.",
    "since": "The `cursor` of the answer before; `now`, or without it the beginning.",
    "types": "Only these events, with commas between.",
}
_TEXT: dict[str, Any] = {"schema": {"type": "string"}}
# Headers of answers: each with the statuses and calls that have it.
HEADERS: dict[str, dict[str, Any]] = {
    "RateLimit": {"description": "What is left of the minute.", **_TEXT},
    "RateLimit-Policy": {"description": "Requests in a minute.", **_TEXT},
    "Retry-After": {
        "description": "Seconds to wait.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {"description": "How a key is sent.", **_TEXT},
    "ETag": {"description": "For If-Match of a later change.", **_TEXT},
    "Location": {"description": "Where it is, or how far it is.", **_TEXT},
    "Dry-Run": {"description": "`true` where it was only tried.", **_TEXT},
    "Idempotency-Replayed": {
        "description": "`true` where the answer was given before.",
        **_TEXT,
    },
}
OF_STATUS = {
    "401": ("WWW-Authenticate",),
    "412": ("ETag",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
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
        *("201", "$response.body#/slug", "service"),
        ("services_read", "services_change"),
    ),
    "audiences_create": Follow(
        *("201", "$response.body#/name", "audience"),
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
