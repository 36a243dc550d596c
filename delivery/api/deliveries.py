"""`deliveries`: making, writing, preparing."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_noop
from ninja import Schema
from pydantic import Field

from audiences import membership, subscriptions
from audiences.api import history, jobs
from audiences.api.answers import at, require_match, said, with_tag
from audiences.api.callers import Acting, caller
from audiences.api.calls import Resource
from audiences.api.paging import Cursor, Limit, page
from audiences.api.problems import FIELDS, REMEDIES, STATUSES, Problem
from audiences.api.shapes import (
    ChannelCode,
    JobOut,
    Json,
    Moment,
    Seen,
    Slug,
    Strict,
    When,
    example,
)
from audiences.feed.facts import said as moment
from audiences.models import Audience
from delivery import approvals, deliveries as domain
from delivery.analysis import preparation
from delivery.analysis.preparation import PreparationRefused
from delivery.composing import writing
from delivery.composing.writing import TEXTS, BadContent, BadLanguage
from delivery.deliveries import (
    BadDelivery,
    DeliveryNotFound,
    SeveralDeliveries,
    TakenLabel,
)
from delivery.models import Delivery, Sending
from delivery.rules import typologies
from delivery.rules.typologies import NoSuchTypology

deliveries = Resource("deliveries")
STATUSES.update({SeveralDeliveries: 409, DeliveryNotFound: 404, NoSuchTypology: 404})
STATUSES.update({BadLanguage: 422, TakenLabel: 409, BadDelivery: 422})
FIELDS.update({DeliveryNotFound: "delivery", NoSuchTypology: "typology"})
FIELDS[BadLanguage] = "language"
REMEDIES[SeveralDeliveries] = "Say which with id: or label:."
REMEDIES[DeliveryNotFound] = "GET /api/v1/deliveries lists them; say id: or label:."
REMEDIES[TakenLabel] = "Choose another label."
REMEDIES[BadLanguage] = "Send the code of a language, such as nl or en-GB."
REMEDIES[BadContent] = "Make another delivery for another text."
REMEDIES[PreparationRefused] = "Its job, preparation:ID, says how far it is."
REMEDIES[NoSuchTypology] = "Leave it out: then it is the default one."

Name = Annotated[str, Field(min_length=1, max_length=200)]
Language = Annotated[str, Field(max_length=35, examples=["nl"])]
Label = Annotated[Seen, Field(max_length=150)]
STATE = (
    "How far its preparation is (draft, running, stopped, ready, failed); once it is "
    "sent or scheduled here, its sending (scheduled, sending, paused, cancelled, sent, "
    "failed)."
)


class DeliveryIn(Strict):
    """A delivery to make; the audience is everyone unless it is named."""

    model_config = example(
        label="Spring letter",
        channel="email",
        audience="service:newsletter",
        service="newsletter",
    )

    label: Label
    channel: ChannelCode
    audience: Annotated[str, Field(max_length=200)] = Field(
        "everyone", description="everyone, service:SLUG, or the name of one."
    )
    service: Slug | None = None
    typology: Slug | None = None
    purpose: Literal["marketing", "transactional", "legal"] = "marketing"
    purpose_note: Annotated[str, Field(max_length=2_000)] = ""
    contact_date: Moment | None = None


class ContentIn(Strict):
    """What a delivery says: Markdown, HTML or plain text."""

    model_config = example(
        subject="Spring",
        content="Hello {{ first_name }}\n\n{{ unsubscribe_link }}",
        language="en",
    )

    subject: Annotated[str, Field(max_length=500)] | None = None
    preheader: Annotated[str, Field(max_length=500)] | None = None
    content: Annotated[str, Field(min_length=1, max_length=writing.LARGEST)]
    language: Language = ""


class ContentOut(Schema):
    """The same as it is read; empty until it is written."""

    subject: str
    preheader: str
    content: str
    language: str


class DeliveryOut(Schema):
    id: int
    label: str
    channel: str
    purpose: str
    service: str | None = None
    audience: str
    state: str = Field(description=STATE)
    subject: str
    contact_date: When | None = None
    created_at: When


class Deliveries(Schema):
    items: list[DeliveryOut]
    cursor: str | None = None


def shown(row: Delivery) -> Json:
    return {
        "id": row.pk,
        "label": row.label,
        "channel": row.channel,
        "purpose": row.purpose,
        "service": row.service.slug if row.service else None,
        "audience": row.audience.name,
        "state": _state(row),
        "subject": row.subject,
        "contact_date": moment(row.contact_date) if row.contact_date else None,
        "created_at": moment(row.created_at),
    }


def _state(row: Delivery) -> str:
    """The same word as in its `status`."""
    sending: Sending | None = getattr(row, "sending", None)
    return sending.state if sending else row.state


def _editable(row: Delivery) -> list[Any]:
    """What it is and says, in all languages: not how far it is."""
    variants = row.variants.order_by("language").values_list("language", *TEXTS)
    return [
        *(row.label, row.channel, row.purpose, row.service_id, row.audience_id),
        *(row.typology_id, row.contact_date),
        *(getattr(row, name) for name in TEXTS),
        *(list(each) for each in variants),
    ]


def _tagged(row: Delivery, status: int = 200) -> HttpResponse:
    return with_tag(shown(row), _editable(row), status)


def _audience(text: str) -> Audience:
    kind, colon, name = text.partition(":")
    if text == "everyone":
        return membership.everyone()
    if colon and kind == "service":
        return membership.subscribers(subscriptions.find_service(name))
    return membership.find_audience(text)


@deliveries.get("", Deliveries)
def listed(
    request: HttpRequest, cursor: Cursor = "", limit: Limit = 100
) -> HttpResponse:
    """All deliveries, newest first."""
    rows = Delivery.objects.select_related("audience", "service", "sending")
    return said(page(rows, cursor, limit, shown, newest_first=True))


@deliveries.get("/{path:delivery}", DeliveryOut, tagged=True)
def read(request: HttpRequest, delivery: Name) -> HttpResponse:
    """One delivery, by its id or its exact label."""
    return _tagged(domain.find(delivery))


@deliveries.post("", DeliveryOut, status=201, tagged=True)
def create(request: HttpRequest, body: DeliveryIn) -> HttpResponse:
    """Make a delivery. A purpose that reaches opted-out people needs a note."""
    made = domain.create(
        body.label,
        channel=body.channel.value,
        audience=lambda: _audience(body.audience),
        service=subscriptions.find_service(body.service) if body.service else None,
        typology=typologies.find(body.typology) if body.typology else None,
        purpose=body.purpose,
        purpose_note=body.purpose_note,
        contact_date=body.contact_date,  # type: ignore[arg-type]
    )
    approvals.written([made], user=Acting(caller(request)))
    history.added(request, made)
    answer = _tagged(domain.find(f"id:{made.pk}"), 201)
    return at(answer, "deliveries", f"id:{made.pk}")


@deliveries.get("/{path:delivery}/content", ContentOut, tagged=True)
def read_content(
    request: HttpRequest, delivery: Name, language: Language = ""
) -> HttpResponse:
    """What a delivery says in a language, or to everybody else; as it is written."""
    row = domain.find(delivery)
    code = writing.canonical(language) if language else ""
    found = row.variants.filter(language=code).first()
    if code and found is None:
        there = ", ".join(row.variants.values_list("language", flat=True))
        raise Problem(
            404,
            f"The delivery has no text of its own in {code!r}.",
            field="language",
            remedy=f"Languages: {there or 'none'}; leave it out for everybody else.",
        )
    said_here = {name: getattr(found or row, name) for name in TEXTS}
    return with_tag({**said_here, "language": code}, _editable(row))


@deliveries.put("/{path:delivery}/content", DeliveryOut)
def content(request: HttpRequest, delivery: Name, body: ContentIn) -> HttpResponse:
    """Write what a delivery says, in a language or to everybody else."""
    found = Delivery.objects.select_for_update(of=("self",)).get(
        pk=domain.find(delivery).pk
    )
    require_match(request, _editable(found))
    changed = writing.set_content(
        found,
        language=body.language,
        subject=body.subject,
        preheader=body.preheader,
        content=body.content,
    )
    approvals.written([found], user=Acting(caller(request)))
    if changed:
        _keep_content(request, found, body.language)
    return _tagged(domain.find(f"id:{found.pk}"))


def _keep_content(request: HttpRequest, row: Delivery, language: str) -> None:
    if language:
        text = gettext_noop("Changed what it says ({language}).")
        history.told(request, row, text, language=language)
    else:
        history.told(request, row, gettext_noop("Changed what it says."))


@deliveries.post("/{path:delivery}/prepare", JobOut, status=202)
def prepare(request: HttpRequest, delivery: Name) -> HttpResponse:
    """Let a worker compute who gets it, who does not, and why."""
    found = domain.find(delivery)
    preparation.ask(found, actor=caller(request).actor)
    history.told(request, found, gettext_noop("Asked for its preparation."))
    return at(said(preparing(found), 202), "jobs", f"preparation:{found.pk}")


def preparing(row: Delivery) -> Json:
    """The preparation of a delivery as a job."""
    found = preparation.of(row)
    run, asked = found.run, found.request
    percent = None
    if run and run.state == "ready" and not found.is_going_on:
        percent = 100
    ended = run.finished_at if run and not found.is_going_on else None
    return {
        "id": f"preparation:{row.pk}",
        "kind": "preparation",
        "state": found.state,
        "is_finished": not found.is_going_on,
        "actor": asked.asked_by if asked else "",
        "created_at": moment(asked.asked_at) if asked else None,
        "finished_at": moment(ended) if ended else None,
        "percent": percent,
        # Of one that is asked for anew the former error says nothing.
        "error": ""
        if found.is_going_on
        else found.refusal or (run.error if run else ""),
        "counts": {"to_deliver": run.to_deliver, "targeted": run.targeted}
        if run and run.state == "ready"
        else {},
    }


def _job(pk: int) -> Json | None:
    row = Delivery.objects.filter(pk=pk).first()
    return None if row is None else preparing(row)


jobs.kinds.add("preparation", _job)
