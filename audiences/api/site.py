"""The API itself: its resources, its errors, its description (OpenAPI 3.1)."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.core.exceptions import (
    ObjectDoesNotExist,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
    ValidationError,
)
from django.core.signals import got_request_exception
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError as BadInput

from audiences.api import problems
from audiences.api.answers import finish
from audiences.api.bodies import Reader
from audiences.api.calls import Resource
from audiences.api.description.completing import completed
from audiences.api.problems import Problem
from audiences.refusals import Refused

ABOUT = """Who may be contacted on which channel, what became of it, and what happens.

- **A key** goes with each call: `Authorization: Bearer KEY`. It has scopes, such as
  `consent:write`, and a number of requests a minute (`RateLimit`; beyond it 429).
- **Bodies** are JSON in UTF-8. Unknown fields and parameters are refused. Moments have
  their zone.
- **A person** is `id:12`, `ext:1001` or `addr:ann@example.org`.
- **Errors** say the field and the remedy (RFC 9457). Of many items each has its own.
- **Once**: the same `Idempotency-Key` and request again get the same answer for a day.
- **Try it**: `?dry_run=true` on what writes answers what would happen.
- **Pages**: `limit`, and the `cursor` of an answer for the next page.

docs/api/README.md has all of it, with recipes and a client in one file.
"""


log = logging.getLogger(__name__)
# Of a body that is too big, so much is read before it is refused: 32 MB.
_PART, _MOST_PARTS = 64 * 1024, 512
# Where Django writes down what it has no answer for.
failures = logging.getLogger("django.request")


class Api(NinjaAPI):
    """Ninja's, with our errors and additions to the description."""

    def get_openapi_schema(self, **kwargs: Any) -> Any:
        return completed(super().get_openapi_schema(**kwargs))


api = Api(
    parser=Reader(),
    title="Campaign",
    version="1.0.0",
    description=ABOUT,
    urls_namespace="api",
    docs_url=None,
    openapi_url="openapi.json",
)


def add(*resources: Resource) -> None:
    """Let the API have these resources, each under its name."""
    for resource in resources:
        api.add_router(f"/{resource.name}", resource.router)


@csrf_exempt
def elsewhere(request: HttpRequest, **facts: Any) -> HttpResponse:
    """An address that the API does not have."""
    return _answer(
        request,
        Problem(
            404,
            "The API has no such address.",
            remedy="/api/v1/docs shows them all.",
        ),
    )


# ------------------------------------------------------------------ errors
def _answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    return finish(request, problem.answer())


@api.exception_handler(Problem)
def _problem(request: HttpRequest, error: Problem) -> HttpResponse:
    return _answer(request, error)


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return _answer(request, problems.of_refusal(error))


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return _answer(request, problems.of_validation(error))


@api.exception_handler(Http404)
@api.exception_handler(ObjectDoesNotExist)  # somebody removed it at this moment
def _missing(request: HttpRequest, error: Exception) -> HttpResponse:
    return _answer(request, Problem(404, "There is nothing here by this name."))


@api.exception_handler(RequestDataTooBig)
@api.exception_handler(TooManyFieldsSent)
@api.exception_handler(TooManyFilesSent)
def _too_big(request: HttpRequest, error: Exception) -> HttpResponse:
    # Who still sends does not read: the rest is let in and thrown away, within limits.
    with suppress(OSError):
        for _part in range(_MOST_PARTS):
            if not request.read(_PART):
                break
    return _answer(request, Problem(413, "The request is too big: send fewer items."))


@api.exception_handler(SuspiciousOperation)
@api.exception_handler(MultiPartParserError)
@api.exception_handler(UnreadablePostError)
def _unreadable(request: HttpRequest, error: Exception) -> HttpResponse:
    """A form that is none, or a caller that went away."""
    return _answer(
        request,
        Problem(
            400,
            "The body cannot be read.",
            field="body",
            remedy="Send the whole of it, as its Content-Type says.",
        ),
    )


@api.exception_handler(Exception)
def _unforeseen(request: HttpRequest, error: Exception) -> HttpResponse:
    """A fault of ours, in DEBUG too: what it was stands in the log, by the same id."""
    number = request.META.get("REQUEST_ID", "")
    got_request_exception.send(sender=None, request=request)
    route = request.resolver_match.route if request.resolver_match else ""
    failures.error(
        *("Internal Server Error: %s %s (request %s)", request.method, route, number),
        exc_info=error,
        extra={"status_code": 500, "request": request},
    )
    return _answer(
        request,
        Problem(
            500,
            "Something went wrong here; nothing was done.",
            remedy=f"Tell whoever keeps the site that it was request {number}."
            if number
            else "Tell whoever keeps the site when it was.",
            request=number,
        ),
    )


# InternalError: PostgreSQL lets nobody write while another server takes over.
@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
@api.exception_handler(InternalError)
def _away(request: HttpRequest, error: Exception) -> HttpResponse:
    """The database is busy or away: say so, so that programs try again."""
    # By its kind, such as DiskFull: its words may quote a row.
    kind = type(error.__cause__ or error).__name__
    log.error("The database did not do what a call asked: %s.", kind)
    return _answer(
        request,
        Problem(
            503,
            "The database is busy or away.",
            remedy="Send it again in a minute, under the same Idempotency-Key.",
            headers={"Retry-After": "60"},
        ),
    )


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == 400:
        return _answer(request, problems.of_body(error.__cause__))
    return _answer(request, Problem(error.status_code, str(error)))


def _place(parts: Sequence[Any]) -> str:
    """Where a fault is, as the caller has written it: items.3.channel, limit.

    Ninja says before it whether it is of the body or a parameter, and pydantic after it
    which of several types it has tried.
    """
    named = [str(part) for part in parts if not str(part).startswith("constrained-")]
    named = named[2 if named[:2] == ["body", "body"] else 1 :]
    return ".".join(named) or "body"


@api.exception_handler(BadInput)
def _bad_input(request: HttpRequest, error: BadInput) -> HttpResponse:
    """Each fault with its field."""
    faults: dict[str, list[str]] = {}
    for fault in error.errors[:40]:
        faults.setdefault(_place(fault["loc"]), []).append(problems.of_fault(fault))
    errors = [
        {"field": field, "detail": " Or: ".join(dict.fromkeys(said))}
        for field, said in [*faults.items()][:20]
    ]
    detail = f"{errors[0]['field']}: {errors[0]['detail']}"
    return _answer(
        request,
        Problem(
            422,
            detail,
            code="invalid",
            errors=errors,
            remedy="Send what /api/v1/openapi.json describes."
            if errors[0]["field"] != "file"
            else "Send the file as a form (multipart/form-data), in the part `file`.",
        ),
    )
