"""`subscriptions`: subscribing, with double opt-in or without, and unsubscribing."""

from typing import Annotated, Literal

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import AfterValidator, Field

from audiences import subscriptions as domain
from audiences.api import naming
from audiences.api.answers import said
from audiences.api.callers import Caller, caller
from audiences.api.calls import Resource
from audiences.api.paging import Cursor, Limit, page
from audiences.api.people.consent import ItemResults, one_result
from audiences.api.problems import FIELDS, REMEDIES, Problem
from audiences.api.shapes import (
    MOST_ITEMS,
    Held,
    ItemPast,
    Json,
    Note,
    ProfileName,
    Short,
    Slug,
    Strict,
    example,
)
from audiences.consent import Origin, Recorded
from audiences.links import BadLink, read_confirmation_token
from audiences.models import Service, Subscription
from audiences.profiles import read_language
from audiences.records.profiles import subscription_facts
from audiences.refusals import Refused
from audiences.subscriptions import NoSuchService, NoteNeeded, ServiceClosed, many

subscriptions = Resource("subscriptions")
FIELDS.update({NoteNeeded: "note", ServiceClosed: "service"})
REMEDIES[NoteNeeded] = (
    "Send a `note` that says how the person asked for it, or the `wording` of the text "
    "that they agreed to. With double opt-in a `request` needs neither."
)
REMEDIES[ServiceClosed] = "Choose another service, or open this one (is_closed)."


def _language(text: str) -> str:
    return read_language(text) if text else ""


class SubscriptionItem(Strict):
    """One act about one service.

    `subscribe` makes it active at once, `request` asks the person to confirm where the
    service wants that, `unsubscribe` ends it.
    """

    profile: ProfileName
    service: Slug
    action: Literal["subscribe", "request", "unsubscribe"]
    source: Short = ""
    note: Note = ""
    at: ItemPast | None = None
    wording: Annotated[str, Field(max_length=100)] = ""
    language: Annotated[str, Field(max_length=35), AfterValidator(_language)] = ""


class SubscriptionsIn(Strict):
    """Acts of up to 1,000 people; each has its own result."""

    model_config = example(
        items=[
            {
                "profile": "addr:ann@example.org",
                "service": "newsletter",
                "action": "request",
                "source": "webshop",
            }
        ]
    )

    items: Annotated[list[SubscriptionItem], Field(min_length=1, max_length=MOST_ITEMS)]


class SubscriptionOut(Held):
    """Whose it is, too."""

    profile: int


class Subscriptions(Schema):
    items: list[SubscriptionOut]
    cursor: str | None = None


class TokenIn(Strict):
    """What stands in the link that asked to confirm."""

    model_config = example(token="eyJw:1vA2bC:x")  # noqa: S106 (opens nothing)

    token: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2_000,
            description="The part of the link behind /u/confirm/.",
        ),
    ]


class Confirmed(Schema):
    profile: int
    service: str
    status: Literal["changed", "unchanged"]
    warning: str | None = None


@subscriptions.get("", Subscriptions)
def listed(
    request: HttpRequest,
    profile: Annotated[str, Field(min_length=1, max_length=1_100)] | None = None,
    service: Annotated[str, Field(min_length=1, max_length=50)] | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> HttpResponse:
    """The subscriptions of a person, of a service, or of everybody."""
    rows: QuerySet[Subscription] = Subscription.objects.select_related("service")
    if profile:
        rows = rows.filter(profile=naming.one(profile))
    if service:
        rows = rows.filter(service=domain.find_service(service))
    return said(page(rows, cursor, limit, _shown))


def _shown(held: Subscription) -> Json:
    return {"profile": held.profile_id, **subscription_facts(held)}


@subscriptions.post("", ItemResults)
def change(request: HttpRequest, body: SubscriptionsIn) -> HttpResponse:
    """Subscribe or unsubscribe up to 1,000 people, or ask them to confirm."""
    who = caller(request)
    named = naming.each(item.profile for item in body.items)
    services = Service.objects.in_bulk(
        {i.service for i in body.items}, field_name="slug"
    )
    rows: list[Json] = []
    acts: list[many.Act] = []
    for item in body.items:
        pk, service = named[item.profile], services.get(item.service)
        row: Json = {"profile": item.profile}
        if isinstance(pk, Problem):
            row |= naming.failed(pk)
        elif service is None:
            row |= naming.failed(_no_service(item.service))
        elif isinstance(item.at, Refused):
            row |= {"id": pk, **naming.failed(item.at)}
        else:
            origin = _origin(who, item)
            acts.append(many.Act(pk, service, item.action, origin, item.language))
        rows.append(row)
    done = zip(acts, many.apply(acts), strict=True)
    unasked = many.unasked(acts)
    for row in rows:
        if "status" not in row:
            act, result = next(done)
            is_asked = (act.profile_id, act.service.pk) not in unasked
            row |= {"id": act.profile_id, **_result(result, is_asked=is_asked)}
    counts = {
        status: sum(row["status"] == status for row in rows)
        for status in ("changed", "unchanged", "failed")
    }
    return said({"items": rows, **counts})


def _no_service(slug: str) -> Problem:
    return Problem(
        404,
        f"There is no service {slug!r}.",
        code="no_such_service",
        field="service",
        remedy=REMEDIES[NoSuchService],
    )


def _origin(who: Caller, item: SubscriptionItem) -> Origin:
    return who.origin(
        note=item.note, source=item.source, wording=item.wording, at=item.at
    )


def _result(result: Recorded | Refused, *, is_asked: bool) -> Json:
    """Messages to one address are limited for each day."""
    row = one_result(result)
    if isinstance(result, Recorded) and result.is_pending:
        row["warning"] = "It is pending until the person confirms it."
        if not is_asked:
            row["warning"] = (
                "No message asks to confirm it: the person has no valid address where "
                "the service sends."
            )
        elif result.is_unsent:
            row["warning"] = (
                "No message asks to confirm it: as many were sent to the address today "
                "as it may get. Ask again tomorrow."
            )
    return row


@subscriptions.post("/confirm", Confirmed)
def confirm(request: HttpRequest, body: TokenIn) -> HttpResponse:
    """Confirm a pending subscription, with the token of the link that was sent."""
    try:
        confirmation = read_confirmation_token(body.token)
        result = domain.confirm(confirmation, caller(request).origin())
    except BadLink as error:
        raise Problem(
            404,
            "There is nothing to confirm by this token, or not any more.",
            code="bad_token",
            field="token",
            remedy="Send the part of the link behind /u/confirm/, without the slash at "
            "its end; once it has expired, `request` the subscription again.",
        ) from error
    service = Service.objects.get(pk=confirmation.service_id)
    answer: Json = {
        "profile": confirmation.profile_id,
        "service": service.slug,
        "status": "changed" if result.changed else "unchanged",
    }
    return said(answer | ({"warning": result.warning} if result.warning else {}))
