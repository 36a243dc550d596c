"""`endpoints`: programs that are told what happens, at a web address of theirs."""

from datetime import datetime
from typing import Annotated, Literal

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_noop
from ninja import Schema
from pydantic import Field, model_validator

from audiences import endpoints as domain
from audiences.api import history
from audiences.api.answers import at, require_match, said, with_tag
from audiences.api.callers import Caller, caller
from audiences.api.calls import Resource
from audiences.api.paging import Cursor, Limit, page
from audiences.api.problems import FIELDS, REMEDIES, STATUSES
from audiences.api.shapes import Json, Past, Strict, Truth, When, example, kept
from audiences.api_keys.scopes import SEES_ADDRESSES
from audiences.endpoints import (
    BadEndpoint,
    NoSuchChange,
    NoSuchEndpoint,
    NotPublic,
    Shown,
)
from audiences.feed import Event
from audiences.feed.facts import said as moment
from audiences.models import Endpoint, EndpointCall

endpoints = Resource("endpoints")
STATUSES.update({NoSuchEndpoint: 404, BadEndpoint: 422, NotPublic: 422})
STATUSES[NoSuchChange] = 422
FIELDS.update({NoSuchEndpoint: "number", BadEndpoint: "events", NotPublic: "url"})
FIELDS[NoSuchChange] = "ids"
REMEDIES[NotPublic] = "Give the https address of a program on the public internet."
REMEDIES[NoSuchChange] = "Take the ids of changes, such as c4711."

TOLD_AGAIN = gettext_noop("It is told again.")
TOLD_NOTHING = gettext_noop("It is told nothing more.")

Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
_Url = Annotated[
    str, Field(min_length=8, max_length=500, examples=["https://a.example/"])
]
_Events = Annotated[list[Event], Field(min_length=1, max_length=20)]


class EndpointIn(Strict):
    """Where it is, and what it is told."""

    model_config = example(
        url="https://crm.example.org/told",
        events=["consent.opted_out", "address.quarantined"],
    )

    url: _Url
    events: _Events
    with_addresses: Truth = False


class EndpointChange(Strict):
    """What is to be changed of it."""

    model_config = example(state="active")

    # What is left out stays; nothing of it can be taken away.
    url: _Url = kept()
    events: _Events = kept([])
    with_addresses: Truth = kept(False)
    state: Literal["active", "disabled"] = kept("active")


class ReplayIn(Strict):
    """What it is told again: all since a moment, or some changes."""

    model_config = example(since="2026-01-31T09:30:00Z")

    since: Past | None = None
    ids: Annotated[
        list[Annotated[str, Field(max_length=30)]], Field(max_length=1_000)
    ] = []

    @model_validator(mode="after")
    def _one_of_two(self) -> "ReplayIn":
        if (self.since is None) == (not self.ids):
            raise ValueError("give either since or ids")
        return self


class EndpointOut(Schema):
    id: int
    url: str
    events: list[str]
    with_addresses: bool
    state: str
    reason: str
    failing_since: When | None = None
    created_at: When


class NewEndpoint(EndpointOut):
    """With the secret, which is shown once."""

    secret: str


class Endpoints(Schema):
    items: list[EndpointOut]
    cursor: str | None = None


class CallOut(Schema):
    id: int
    change: str
    type: str
    profile: int | None = None
    state: str
    attempts: int
    status: int | None = None
    answer: str
    told_at: When | None = None
    due_at: When


class Calls(Schema):
    items: list[CallOut]
    cursor: str | None = None


def shown(row: Endpoint, who: Caller) -> Json:
    return {
        "id": row.pk,
        "url": row.url,
        "events": row.events,
        "with_addresses": row.with_addresses,
        "state": row.state,
        "reason": who.shown(row.reason),
        "failing_since": moment(row.failing_since) if row.failing_since else None,
        "created_at": moment(row.created_at),
    }


def _present(request: HttpRequest, number: int) -> Json:
    """An endpoint as it is after a call."""
    return shown(domain.find(number), caller(request))


def _held(number: int) -> Endpoint:
    """An endpoint that nobody else can change now."""
    return Endpoint.objects.select_for_update().get(pk=domain.find(number).pk)


def _editable(row: Endpoint) -> list[object]:
    """Not why it fails, nor since when: its calls write that."""
    return [row.url, row.events, row.with_addresses, row.state]


def _tagged(request: HttpRequest, number: int) -> HttpResponse:
    row = domain.find(number)
    return with_tag(shown(row, caller(request)), _editable(row))


def _with_secret(request: HttpRequest, made: Shown) -> Json:
    return {**_present(request, made.endpoint.pk), "secret": made.secret}


@endpoints.get("", Endpoints)
def listed(
    request: HttpRequest, cursor: Cursor = "", limit: Limit = 100
) -> HttpResponse:
    """All endpoints, without their secrets."""
    rows: QuerySet[Endpoint] = Endpoint.objects.all()
    who = caller(request)
    return said(page(rows, cursor, limit, lambda row: shown(row, who)))


@endpoints.get("/{number}", EndpointOut, tagged=True)
def read(request: HttpRequest, number: Number) -> HttpResponse:
    """One endpoint."""
    return _tagged(request, number)


@endpoints.post("", NewEndpoint, status=201)
def create(request: HttpRequest, body: EndpointIn) -> HttpResponse:
    """Tell a program what happens from now on. The secret is in this answer alone."""
    _may_see(request, body.with_addresses)
    made = domain.create(
        body.url,
        [event.value for event in body.events],
        actor=caller(request).actor,
        with_addresses=body.with_addresses,
    )
    history.added(request, made.endpoint)
    answer = said(_with_secret(request, made), 201)
    return at(answer, "endpoints", made.endpoint.pk)


def _may_see(request: HttpRequest, with_addresses: bool | None) -> None:
    """Who may not see addresses lets nobody else be told them."""
    if with_addresses:
        caller(request).require(SEES_ADDRESSES, field="with_addresses")


@endpoints.patch("/{number}", EndpointOut)
def change(request: HttpRequest, number: Number, body: EndpointChange) -> HttpResponse:
    """Change an endpoint; `state: active` tells a disabled one again."""
    row = _held(number)
    require_match(request, _editable(row))
    # A new place would be told the addresses that the present one is told.
    given = {name: getattr(body, name) for name in body.model_fields_set}
    state = given.pop("state", row.state)
    _may_see(request, given.get("with_addresses", row.with_addresses))
    if "events" in given:
        given["events"] = [event.value for event in body.events]
    after = domain.change(row, **given)
    names = [name for name in given if getattr(after, name) != getattr(row, name)]
    history.changed(request, row, names)
    if state != row.state:
        is_on = state == Endpoint.State.ACTIVE
        domain.enable(row, enabled=is_on)
        history.told(request, row, TOLD_AGAIN if is_on else TOLD_NOTHING)
    return _tagged(request, number)


@endpoints.delete("/{number}")
def remove(request: HttpRequest, number: Number) -> HttpResponse:
    """Forget an endpoint, and what it was told."""
    row = _held(number)
    require_match(request, _editable(row))
    history.removed(request, row)
    domain.remove(row)
    return said(None, 204)


@endpoints.post("/{number}/rotate", NewEndpoint)
def rotate(request: HttpRequest, number: Number) -> HttpResponse:
    """Give it a new secret; for a day both sign."""
    made = domain.rotate(domain.find(number))
    history.told(request, made.endpoint, gettext_noop("A new secret."))
    return said(_with_secret(request, made))


@endpoints.post("/{number}/replay", EndpointOut, status=202)
def replay(request: HttpRequest, number: Number, body: ReplayIn) -> HttpResponse:
    """Tell it again: everything since a moment, or changes by their ids."""
    row = domain.find(number)
    since: datetime | None = body.since  # type: ignore[assignment]
    domain.replay(row, since=since, ids=body.ids)
    history.told(request, row, gettext_noop("What happened before is told again."))
    return at(said(_present(request, number), 202), "endpoints", number, "calls")


@endpoints.get("/{number}/calls", Calls)
def calls(
    request: HttpRequest,
    number: Number,
    state: Literal["waiting", "told", "failed"] | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> HttpResponse:
    """What it was told, newest first, and what it answered."""
    rows = EndpointCall.objects.filter(endpoint=domain.find(number))
    rows = rows.filter(state=state) if state else rows
    who = caller(request)
    return said(
        page(rows, cursor, limit, lambda row: _call(row, who), newest_first=True)
    )


def _call(row: EndpointCall, who: Caller) -> Json:
    return {
        "id": row.pk,
        "change": row.change,
        "type": row.name,
        "profile": row.profile_id,
        "state": row.state,
        "attempts": row.attempts,
        "status": row.status,
        # An endpoint may answer with what it was told.
        "answer": who.shown(row.answer),
        "told_at": moment(row.told_at) if row.told_at else None,
        "due_at": moment(row.due_at),
    }
