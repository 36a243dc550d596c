"""`changes`: everything that happens, in one order and without gaps."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import Field

from audiences import feed
from audiences.api.answers import said
from audiences.api.callers import caller
from audiences.api.calls import Resource
from audiences.api.paging import Limit
from audiences.api.problems import Problem
from audiences.api.shapes import When
from audiences.feed import Event, Position

changes = Resource("changes")


class ChangeData(Schema):
    """What it is about: of each change some."""

    profile: int | None = None
    external_id: str | None = None
    # The primary ones of the person; for keys with profiles:read.
    addresses: dict[str, str] | None = None
    source: str | None = None
    event: int | None = None
    channel: str | None = None
    service: str | None = None
    delivery: int | None = None
    label: str | None = None
    to_deliver: int | None = None
    address: str | None = None
    status: str | None = None
    reason: str | None = None
    error: str | None = None
    message: str | None = None


class ChangeOut(Schema):
    """One thing that happened; the same as an endpoint is told."""

    id: str
    type: str
    timestamp: When
    data: ChangeData


class Changes(Schema):
    """Some changes. Ask again with `cursor`: nothing is skipped or comes twice."""

    items: list[ChangeOut]
    cursor: str
    has_more: bool


@changes.get("", Changes)
def listed(
    request: HttpRequest,
    since: Annotated[str, Field(max_length=80)] = "",
    types: Annotated[str, Field(min_length=1, max_length=500)] | None = None,
    limit: Limit = 100,
) -> HttpResponse:
    """What happened since a cursor, oldest first; `since=now` begins at this moment.

    A change is there once nothing can come before it any more: while a transaction is
    open somewhere, what was written after its beginning waits.
    """
    if since == "now":
        return said({"items": [], "cursor": str(feed.present()), "has_more": False})
    place = Position.of(since) if since else Position()
    found = feed.read(place, limit, _names(types or ""))
    sees = caller(request).sees_addresses
    return said(
        {
            "items": feed.facts(found.changes, sees_addresses=sees),
            "cursor": str(found.position),
            "has_more": not found.is_last,
        }
    )


def _names(types: str) -> set[str] | None:
    names = {name.strip() for name in types.split(",") if name.strip()}
    unknown = sorted(names - {*Event.values})
    if unknown:
        raise Problem(
            422,
            f"There is no event {unknown[0]!r}.",
            field="types",
            remedy=f"Events: {', '.join(Event.values)}.",
        )
    return names or None
