"""What went wrong, as RFC 9457 says it: a status, a sentence, the field, the remedy."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse

from audiences.addresses import InvalidAddress
from audiences.api_keys.answers import AnotherRequest
from audiences.feed import BadCursor
from audiences.membership.members import NoSuchAudience
from audiences.moments import BadMoment
from audiences.profiles import Ambiguous, NotFound
from audiences.refusals import Refused, shortened
from audiences.subscriptions import NoSuchService

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """A request that is not done; every error of the API is one."""

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
    ) -> None:
        self.status, self.detail, self.remedy = status, detail, remedy
        self.code = code or HTTPStatus(status).name.lower()
        self.errors = list(errors) or (
            [{"field": field, "detail": detail}] if field else []
        )
        self.headers = dict(headers or {})
        super().__init__(detail)

    def as_json(self) -> dict[str, Any]:
        return {
            "type": f"urn:campaign:problem:{self.code.replace('_', '-')}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **({"remedy": self.remedy} if self.remedy else {}),
            **({"errors": self.errors} if self.errors else {}),
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
    Ambiguous: 409,
    InvalidAddress: 422,
    BadMoment: 422,
    BadCursor: 422,
    AnotherRequest: 422,
}


def of_refusal(refusal: Refused) -> Problem:
    """A refusal of the domain; one of no kind of its own conflicts with what is."""
    status = next(
        (code for kind, code in STATUSES.items() if isinstance(refusal, kind)), 409
    )
    return Problem(status, shortened(str(refusal), []), code=_code(refusal))


def _code(refusal: Refused) -> str:
    """The name of a refusal in words: NoSuchService is no_such_service."""
    name = type(refusal).__name__
    words = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    return words.strip("_")


def of_validation(error: ValidationError) -> Problem:
    """What a model does not take, by its fields."""
    found = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    errors = [
        {"field": name.removeprefix("__all__"), "detail": text}
        for name, texts in found.items()
        for text in texts
    ]
    return Problem(422, errors[0]["detail"], code="invalid", errors=errors)
