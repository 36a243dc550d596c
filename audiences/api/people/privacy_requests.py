"""`privacy-requests`: what people ask about their own data, and what became of it."""

from typing import Annotated, Literal

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import AfterValidator, Field

from audiences.api import naming
from audiences.api.answers import at, said
from audiences.api.callers import caller
from audiences.api.calls import Resource
from audiences.api.paging import Cursor, Limit, page
from audiences.api.problems import Problem
from audiences.api.shapes import Json, Past, ProfileName, Strict, When, example
from audiences.consent import Source
from audiences.feed.facts import said as moment
from audiences.files.cleaning import says_something
from audiences.models import PrivacyRequest
from audiences.privacy import requests

privacy_requests = Resource("privacy-requests")

Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
KindCode = Literal["access", "erasure", "correction", "objection", "restriction"]


def _words(text: str) -> str:
    if text and not says_something(text):
        raise ValueError("write what the person asked, or leave it out")
    return text


class RequestIn(Strict):
    """What a person asked somewhere else: the officer decides about it here."""

    model_config = example(
        profile="ext:1001", kind="access", received_at="2026-01-31T09:30:00Z"
    )

    profile: ProfileName
    kind: KindCode
    text: Annotated[str, Field(max_length=4_000), AfterValidator(_words)] = ""
    received_at: Past | None = None


class RequestOut(Schema):
    id: int
    profile: int
    kind: str
    state: str
    received_at: When
    due_on: str
    recorded_by: str
    decided_at: When | None = None


class Requests(Schema):
    items: list[RequestOut]
    cursor: str | None = None


def shown(row: PrivacyRequest) -> Json:
    return {
        "id": row.pk,
        "profile": row.profile_id,
        "kind": row.kind,
        "state": row.state,
        "received_at": moment(row.received_at),
        "due_on": row.due_on.isoformat(),
        "recorded_by": row.recorded_by,
        "decided_at": moment(row.decided_at) if row.decided_at else None,
    }


@privacy_requests.get("", Requests)
def listed(
    request: HttpRequest,
    state: Literal["open", "granted", "done", "refused"] | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> HttpResponse:
    """The requests, newest first."""
    rows: QuerySet[PrivacyRequest] = PrivacyRequest.objects.all()
    rows = rows.filter(state=state) if state else rows
    return said(page(rows, cursor, limit, shown, newest_first=True))


@privacy_requests.get("/{number}", RequestOut)
def read(request: HttpRequest, number: Number) -> HttpResponse:
    """One request, and how far it is."""
    row = PrivacyRequest.objects.filter(pk=number).first()
    if row is None:
        raise Problem(404, "There is no such request.", field="number")
    return said(shown(row))


@privacy_requests.post("", RequestOut, status=201)
def record(request: HttpRequest, body: RequestIn) -> HttpResponse:
    """Record what a person asked. An objection opts out of everything at once."""
    made = requests.record(
        naming.one(body.profile),
        body.kind,
        body.text,
        actor=caller(request).actor,
        received_at=body.received_at,  # type: ignore[arg-type]
        source=Source.API,
    )
    return at(said(shown(made), 201), "privacy-requests", made.pk)
