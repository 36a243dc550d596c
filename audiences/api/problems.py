"""What went wrong, as RFC 9457 says it: a status, a sentence, the field, the remedy."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.http import HttpResponse

from audiences.addresses import InvalidAddress
from audiences.api_keys.answers import AnotherRequest
from audiences.feed import BadCursor
from audiences.membership.members import NoSuchAudience
from audiences.moments import BadMoment
from audiences.profiles import NotFound
from audiences.profiles.writing import TakenId
from audiences.refusals import Refused, shortened
from audiences.subscriptions import NoSuchService

CONTENT_TYPE = "application/problem+json"


# What a program can do, where nobody knows better.
_BY_STATUS = {
    400: "Send the whole body, as its Content-Type says.",
    404: "Read the list: it has what is there.",
    409: "Read how it is now, and ask for what is possible then.",
    412: "Read it again, and send its ETag in If-Match.",
    413: "Send fewer items, or a smaller file.",
    422: "Correct what `errors` names, and send it again.",
}


class Problem(Exception):
    """A request that is not done; every error of the API is one.

    `field` is the path of what it is about in the body, as items.3.channel, or the name
    of a parameter, a header or a part of a form.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str = "",
        field: str = "",
        remedy: str = "",
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        request: str = "",
    ) -> None:
        self.status, self.detail = status, detail
        self.remedy = remedy or _BY_STATUS.get(status, "")
        # 422 is always about something that was sent.
        self.code = code or (
            "invalid" if status == 422 else HTTPStatus(status).name.lower()
        )
        self.errors = list(errors) or (
            [{"field": field, "detail": detail}] if field else []
        )
        self.headers = dict(headers or {})
        self.request = request
        super().__init__(detail)

    def about(self, field: str) -> "Problem":
        """The same problem of another field."""
        self.errors = [{"field": field, "detail": self.detail}]
        return self

    def as_json(self) -> dict[str, Any]:
        return {
            "type": f"urn:campaign:problem:{self.code.replace('_', '-')}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **({"remedy": self.remedy} if self.remedy else {}),
            **({"errors": self.errors} if self.errors else {}),
            **({"request": self.request} if self.request else {}),
        }

    def answer(self) -> HttpResponse:
        return HttpResponse(
            json.dumps(self.as_json(), ensure_ascii=False),
            status=self.status,
            content_type=CONTENT_TYPE,
            headers=self.headers,
        )


# What the domain refuses, by the status that says it best; others may add theirs.
STATUSES: dict[type[Refused], int] = {
    NotFound: 404,
    NoSuchService: 404,
    NoSuchAudience: 404,
    InvalidAddress: 422,
    BadMoment: 422,
    BadCursor: 422,
    AnotherRequest: 422,
}
# And the field that each is about.
FIELDS: dict[type[Refused], str] = {
    NotFound: "profile",
    NoSuchService: "service",
    NoSuchAudience: "audience",
    InvalidAddress: "address",
    BadCursor: "since",
    BadMoment: "at",
    AnotherRequest: "Idempotency-Key",
    TakenId: "external_id",
}


# And what a program can do about it; commands have hints of their own.
REMEDIES: dict[type[Refused], str] = {
    NotFound: "Name the person as id:, ext: or addr:.",
    NoSuchService: "GET /api/v1/services lists them.",
    NoSuchAudience: "GET /api/v1/audiences lists them; a delivery takes everyone and "
    "service:SLUG too.",
    AnotherRequest: "Take a new Idempotency-Key for a new request.",
    TakenId: "Take another external_id, or change the profile that has it.",
    InvalidAddress: "Send an address of its channel; numbers begin with + and the code "
    "of the country.",
    BadMoment: "Send the moment at which it happened, with its zone.",
    BadCursor: "Take the cursor of an answer, or leave it out to begin.",
}
_Fact = TypeVar("_Fact")


def of_refusal(refusal: Refused) -> Problem:
    """A refusal of the domain; one of no kind of its own conflicts with what is."""

    def by_kind(facts: Mapping[type[Refused], _Fact], other: _Fact) -> _Fact:
        kinds = (fact for kind, fact in facts.items() if isinstance(refusal, kind))
        return next(kinds, other)

    said = shortened(refusal.without_hint, [])
    if isinstance(refusal, InvalidAddress):
        said = f"The address is not valid: {said}."
    return Problem(
        by_kind(STATUSES, 409),
        said,
        code=_code(refusal),
        field=getattr(refusal, "field", "") or by_kind(FIELDS, ""),
        remedy=by_kind(REMEDIES, ""),
    )


def _code(refusal: Refused) -> str:
    """The name of a refusal in words: NoSuchService is no_such_service."""
    name = type(refusal).__name__
    words = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    return words.strip("_")


# What pydantic says in the words of Python.
_PLAINLY = {
    "extra_forbidden": "There is no such field.",
    "model_type": "It must be an object.",
    "model_attributes_type": "It must be an object.",
    "dict_type": "It must be an object.",
}


def of_fault(fault: Mapping[str, Any]) -> str:
    """What is wrong with one field, in the words of whoever writes JSON."""
    said = _PLAINLY.get(str(fault.get("type")), str(fault["msg"]))
    return said.removeprefix("Value error, ").replace(" after validation", "")[:300]


def of_body(error: BaseException | None) -> Problem:
    """A body that cannot be read at all, by what went wrong in reading it."""
    if isinstance(error, Problem):
        return error
    why = "The body cannot be read."
    if isinstance(error, UnicodeDecodeError):
        why = f"The body is not UTF-8: byte {error.start} is none of it."
    elif isinstance(error, json.JSONDecodeError):
        place = f"line {error.lineno}, column {error.colno}"
        why = f"The body is not JSON: {error.msg} ({place})."
    return Problem(400, why, field="body", remedy="Send one object of JSON, in UTF-8.")


def of_validation(error: ValidationError) -> Problem:
    """What a model does not take, by its fields; what another has is a conflict."""
    found = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    errors = [
        {"field": name.removeprefix("__all__"), "detail": text}
        for name, texts in found.items()
        for text in texts
    ]
    by_field = getattr(error, "error_dict", {})
    if any(each.code == "unique" for found in by_field.values() for each in found):
        return Problem(
            409,
            errors[0]["detail"],
            code="taken",
            errors=errors,
            remedy="Take another one, or change the one that has it.",
        )
    return Problem(422, errors[0]["detail"], code="invalid", errors=errors)
