"""What programs send and get: strict, so that a slip is not passed over."""

import re
from datetime import datetime
from enum import Enum
from typing import Annotated, Any

from ninja import Schema
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
)

from audiences import moments
from audiences.channels import Channel, Scope
from audiences.files import cleaning
from audiences.profiles import LARGEST_ID
from audiences.refusals import Refused

MOST_ITEMS = 1_000


class Strict(BaseModel):
    """What programs send: a field that we do not know is refused.

    Plain models of pydantic: Ninja's own look at each item once more, for the sake of
    rows of Django, which takes as long as all the rest of a thousand.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


def _no_default(shape: dict[str, Any]) -> None:
    shape.pop("default", None)


def kept(value: Any = "", **facts: Any) -> Any:
    """A field of a change: left out, all stays as it is; null is no value of it."""
    return Field(value, json_schema_extra=_no_default, **facts)


def example(**facts: Any) -> ConfigDict:
    """The settings of a Strict whose description has an example."""
    return ConfigDict(
        **Strict.model_config, json_schema_extra={"examples": [{**facts}]}
    )


# RFC 3339, 5.6. What ISO 8601 has besides, such as weeks, is another day to some.
_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d):(\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)",
    re.ASCII | re.IGNORECASE,
)


# What programs speak of; whatever is added or shown in any zone stays in the calendar.
_YEARS = range(1900, 9999)


def _moment(text: str) -> datetime:
    found, at = _RFC_3339.fullmatch(text), None
    if found:
        day, minute, second, part, zone = found.groups("")
        # The second that is put in ends as the next one begins: no clock here has it.
        is_leap = second == "60" and minute[3:] == "59"
        plain = f"{day}T{minute}:{'59' if is_leap else second}{part}{zone.upper()}"
        at = moments.read_with_zone(plain)
    if at is None:
        raise ValueError("write a moment with its zone, as 2026-01-31T09:30:00Z")
    if at.year not in _YEARS:
        raise ValueError(f"write a moment of the years {_YEARS[0]} to {_YEARS[-1]}")
    return at


def _past(text: str) -> datetime:
    found = _of_item(text)
    if isinstance(found, Refused):
        raise ValueError(str(found))
    return found


def _of_item(text: str) -> datetime | Refused:
    """Of one of many: what lies ahead is that item's own fault, and no other's."""
    try:
        return moments.happened(_moment(text))
    except Refused as refusal:
        return refusal


_DATE_TIME = {"format": "date-time", "examples": ["2026-01-31T09:30:00Z"]}
Moment = Annotated[
    str, Field(max_length=40, json_schema_extra=_DATE_TIME), AfterValidator(_moment)
]
# The same in an answer.
When = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
# What has happened: not in the future.
Past = Annotated[
    str, Field(max_length=40, json_schema_extra=_DATE_TIME), AfterValidator(_past)
]
ItemPast = Annotated[
    str, Field(max_length=40, json_schema_extra=_DATE_TIME), AfterValidator(_of_item)
]
ProfileName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1_100,
        description="An id, external id or address; id:, ext: or addr: says which.",
        examples=["ext:1001", "addr:ann@example.org"],
    ),
]


def _seen(text: str) -> str:
    if not cleaning.identifier(text):
        raise ValueError("write something that can be seen")
    return text.strip()


# A label or a name: not of spaces and invisible characters alone; none around it.
Seen = Annotated[str, Field(min_length=1, pattern=r"\S"), AfterValidator(_seen)]
AddressText = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
Note = Annotated[
    str,
    Field(max_length=2_000, description="How the person asked for it: kept as proof."),
]
Short = Annotated[str, StringConstraints(max_length=150)]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Number = Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)]
Truth = StrictBool
Json = dict[str, Any]

ChannelCode = Enum("ChannelCode", {c.name: c.value for c in Channel}, type=str)  # type: ignore[misc]
ScopeCode = Enum("ScopeCode", {c.name: c.value for c in Scope}, type=str)  # type: ignore[misc]


class ProblemOut(Schema):
    """An error (RFC 9457)."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "type": "urn:campaign:problem:unknown-parameter",
                    "title": "Unprocessable Entity",
                    "status": 422,
                    "detail": "There is no parameter 'page'.",
                    "code": "unknown_parameter",
                    "remedy": "Parameters: cursor, limit.",
                    "errors": [
                        {"field": "page", "detail": "There is no parameter 'page'."}
                    ],
                }
            ]
        }
    }

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str | None = None
    errors: list[dict[str, str]] | None = None
    # Of a 500: the id under which the log has it.
    request: str | None = None


class Held(Schema):
    """A subscription as it is now."""

    service: str
    status: str
    since: When
    expires: When | None = None


class ItemProblem(Schema):
    """Why one item was not done; `field` is its path in that item."""

    code: str
    detail: str
    field: str | None = None
    remedy: str | None = None


class JobOut(Schema):
    """Work that goes on in the background: ask for it again at its address.

    An import has a file, and says what it waits for.
    """

    id: str
    kind: str
    state: str
    is_finished: bool
    actor: str = ""
    created_at: When | None = None
    finished_at: When | None = None
    percent: int | None = None
    error: str = ""
    counts: Json = Field(default_factory=dict)
    file: str | None = None
    file_kind: str | None = None
    waits_for: str | None = None
