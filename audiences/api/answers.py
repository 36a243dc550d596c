"""What calls answer: JSON, where it is, what it is compared by, and its headers."""

import json
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse

from audiences.api.callers import Caller
from audiences.api.problems import Problem

# Of all answers, whatever a program says that its user reads: programs compare them.
LANGUAGE = "en"


def said(data: Any, status: int = 200, **headers: str) -> HttpResponse:
    """An answer in JSON; headers are named with _ for -."""
    body = b"" if status == 204 else _text(data).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(
        body, status=status, content_type="application/json", headers=named
    )


def _text(data: Any) -> str:
    return json.dumps(
        data, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":")
    )


def at(answer: HttpResponse, *names: object) -> HttpResponse:
    """An answer about what has an address of its own: made just now, or under way."""
    answer["Location"] = f"/api/v1/{'/'.join(quote(str(n), safe=':') for n in names)}"
    return answer


def with_tag(data: Any, editable: Any, status: int = 200) -> HttpResponse:
    """An answer that can be changed later, if nobody else has meanwhile (ETag).

    `editable` is what an edit may write or rely on. What happens by itself, such as a
    count or a failure, is none of it: it would refuse edits for no reason.
    """
    return said(data, status, ETag=_tag_of(editable))


def _tag_of(editable: Any) -> str:
    return f'"{sha256(_text(editable).encode()).hexdigest()[:32]}"'


def require_match(request: HttpRequest, editable: Any) -> None:
    """Refuse to change what is not as the caller has read it (RFC 9110, If-Match).

    The caller holds the row: of two at once the second sees what the first has written.
    """
    wanted = request.headers.get("If-Match", "").strip()
    if wanted and wanted != "*":
        tags = [tag.strip().removeprefix("W/") for tag in wanted.split(",")]
        now = _tag_of(editable)
        if now not in tags:
            raise Problem(
                412,
                "It has changed since you read it.",
                field="If-Match",
                remedy="Read it again, and send its ETag in If-Match.",
                headers={"ETag": now},
            )


def finish(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """The headers of every answer (draft-ietf-httpapi-ratelimit-headers)."""
    found = getattr(request, "auth", None)
    if isinstance(found, Caller):
        one = found.allowed
        answer["RateLimit-Policy"] = f'"key";q={one.most};w=60'
        answer["RateLimit"] = f'"key";r={one.left};t={one.seconds}'
    answer["Cache-Control"] = "no-store"
    answer["Content-Language"] = LANGUAGE
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
