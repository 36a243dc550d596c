"""`deliveries`, what comes of them: report, outcomes, explanations, sending."""

from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_noop
from ninja import Schema
from pydantic import Field, model_validator

from audiences.api import history, naming
from audiences.api.answers import at, said
from audiences.api.callers import Acting, Caller, caller
from audiences.api.paging import Cursor, Limit, number
from audiences.api.problems import FIELDS, REMEDIES, Problem
from audiences.api.shapes import Json, Moment, ProfileName, Strict, Truth, When, example
from audiences.feed.facts import said as moment
from audiences.masking import DOTS, masked, masked_id
from delivery import analysis, approvals, deliveries as domain
from delivery.analysis import outcomes, reports
from delivery.api.deliveries import STATE, Name, deliveries
from delivery.models import Delivery, Sending
from delivery.sending import sendings, status
from delivery.sending.exports import Export
from delivery.sending.sendings import NoMoment, NotSendable

FIELDS[NoMoment] = "at"
REMEDIES[NoMoment] = "Send a later `at`, or `now: true`."
REMEDIES[NotSendable] = "GET …/status says how far it is."
FIELDS[NotSendable] = "delivery"


class Line(Schema):
    code: str
    label: str
    count: int


class About(Schema):
    """Which delivery it is."""

    id: int
    label: str
    channel: str
    purpose: str


class Withdrawn(Schema):
    """How many did not get it for this cause, found at the last check."""

    code: str
    count: int


class ReportOut(Schema):
    """Who gets a delivery, who does not, and why."""

    delivery: About
    state: str
    targeted: int
    to_deliver: int
    excluded: int
    causes: list[Line]
    warnings: list[Line]
    seconds: float


class OutcomeOut(Schema):
    profile: int
    external_id: str
    address: str
    code: str
    label: str


class Outcomes(Schema):
    """A page of outcomes. Whom the last check keeps out now is in `left_out`."""

    items: list[OutcomeOut]
    left_out: dict[str, int]
    cursor: str | None = None


class Explained(Schema):
    """Why somebody would not get a delivery now: the first rule, and all."""

    profile: int
    address: str | None = None
    in_audience: bool
    deciding: str | None = None
    matching: list[str]


class SendIn(Strict):
    """When to begin, and how fast."""

    model_config = example(at="2027-03-01T08:00:00+01:00", rate=50)

    at: Moment | None = Field(None, description="Then; else the contact date.")
    now: Truth = Field(False, description="At once, whatever the contact date says.")
    rate: Annotated[float, Field(gt=0, le=100_000, strict=True)] | None = Field(
        None, description="Messages a second at most."
    )

    @model_validator(mode="after")
    def _one_moment(self) -> "SendIn":
        if self.now and self.at is not None:
            raise ValueError("give either at or now")
        return self


class StatusOut(Schema):
    """How far a delivery is, and what came of it."""

    delivery: About
    state: str = Field(description=STATE)
    to_deliver: int
    waiting: int
    sent: int
    withdrawn: list[Withdrawn]
    refused: int
    uncertain: int
    delivered: int
    failed: int
    complaints: int
    unsubscribed: int
    reason: str
    starts_at: Annotated[
        When | None, Field(description="When it begins, or was to begin.")
    ] = None
    started_at: When | None = None
    finished_at: When | None = None


def _refusal(who: Caller, row: Delivery) -> str:
    """Why nothing of it may leave: it reaches opted-out people and is not approved."""
    return approvals.refusal(Acting(who), row, approvals.Act.USE)


def _may_leave(request: HttpRequest, row: Delivery) -> None:
    if refused := _refusal(caller(request), row):
        raise Problem(
            409,
            refused,
            code="not_approved",
            field="delivery",
            remedy="Somebody approves it in the console.",
        )


@deliveries.get("/{path:delivery}/report", ReportOut)
def report(request: HttpRequest, delivery: Name) -> HttpResponse:
    """The report of the latest preparation."""
    row = domain.find(delivery)
    run = row.latest_analysis
    if run is None:
        raise Problem(
            409,
            "It was not prepared yet.",
            code="not_prepared",
            remedy="POST …/prepare, and ask for its job.",
        )
    about = {
        "id": row.pk,
        "label": row.label,
        "channel": row.channel,
        "purpose": row.purpose,
    }
    made = reports.report_of(run)
    return said({"delivery": about, "state": made.state, **made.figures()})


@deliveries.get("/{path:delivery}/outcomes", Outcomes)
def outcome_rows(
    request: HttpRequest,
    delivery: Name,
    which: Literal["target", "excluded"] = "target",
    cursor: Cursor = "",
    limit: Limit = 100,
) -> HttpResponse:
    """The target, or the excluded with their cause, in pages.

    The target goes through the last check: whoever must not get it any more is left
    out and counted.
    """
    row = domain.find(delivery)
    is_target = which == "target"
    if is_target:
        _may_leave(request, row)
    rows = outcomes.decided(row, excluded=not is_target)
    if cursor:
        rows = rows.filter(profile_id__gt=number(cursor))
    ids = list(
        rows.order_by("profile_id").values_list("profile_id", flat=True)[: limit + 1]
    )
    part = rows.filter(profile_id__in=ids[:limit])
    export = Export(row, part, as_analysed=not is_target, is_part=True)
    sees = caller(request).sees_addresses
    items = [_outcome(row.channel, values, sees) for values in export]
    more = str(ids[limit - 1]) if len(ids) > limit else None
    return said({"items": items, "left_out": dict(export.left_out), "cursor": more})


def _outcome(channel: str, values: list[object], sees: bool) -> Json:
    pk, external_id, address, code, label = values
    text = str(address or "")
    where = text if sees or not text else masked(channel, text) or DOTS
    return {
        "profile": pk,
        "external_id": external_id if sees else masked_id(str(external_id or "")),
        "address": where,
        "code": code,
        "label": str(label),
    }


@deliveries.get("/{path:delivery}/explain", Explained)
def explain(request: HttpRequest, delivery: Name, profile: ProfileName) -> HttpResponse:
    """Why a person would not get the delivery now."""
    row = domain.find(delivery)
    found = analysis.explain(row, naming.one(profile))
    address = found.address
    if address and not caller(request).sees_addresses:
        address = masked(row.channel, address) or DOTS
    return said(
        {
            "profile": found.profile.pk,
            "address": address,
            "in_audience": found.in_audience,
            "deciding": found.deciding.code if found.deciding else None,
            "matching": [rule.code for rule in found.matching],
        }
    )


@deliveries.get("/{path:delivery}/status", StatusOut)
def read_status(request: HttpRequest, delivery: Name) -> HttpResponse:
    """How far it is, and what came back."""
    return said(_status(request, domain.find(delivery)))


def _status(request: HttpRequest, row: Delivery) -> Json:
    found = status.as_json(row, status.status_of(row))
    begins = Sending.objects.filter(delivery=row).values_list("starts_at", flat=True)
    starts_at = begins.first()
    return {
        **found,
        # What a server answered may name an address.
        "reason": caller(request).shown(found["reason"]),
        "starts_at": moment(starts_at) if starts_at else None,
    }


@deliveries.post("/{path:delivery}/send", StatusOut, status=202)
def send(request: HttpRequest, delivery: Name, body: SendIn) -> HttpResponse:
    """Let the workers send a prepared delivery, now or later.

    Every target is checked once more right before it is handed over.
    """
    row = domain.find(delivery)
    who = caller(request)
    sendings.begin(
        row,
        actor=who.actor,
        at=body.at,  # type: ignore[arg-type]
        is_now=body.now,
        rate=body.rate,
        refusal=lambda locked: _refusal(who, locked),
    )
    history.told(request, row, gettext_noop("Began to send it."))
    answer = said(_status(request, row), 202)
    return at(answer, "deliveries", f"id:{row.pk}", "status")


@deliveries.post("/{path:delivery}/pause", StatusOut)
def pause(request: HttpRequest, delivery: Name) -> HttpResponse:
    """Stop handing over; `resume` goes on."""
    row = domain.find(delivery)
    sendings.pause(row, reason=f"Paused by {caller(request).actor}.")
    history.told(request, row, gettext_noop("Paused its sending."))
    return said(_status(request, row))


@deliveries.post("/{path:delivery}/resume", StatusOut)
def resume(request: HttpRequest, delivery: Name) -> HttpResponse:
    """Go on with a paused delivery."""
    row = domain.find(delivery)
    _may_leave(request, row)
    sendings.resume(row)
    history.told(request, row, gettext_noop("Resumed its sending."))
    return said(_status(request, row))


@deliveries.post("/{path:delivery}/cancel", StatusOut)
def cancel(request: HttpRequest, delivery: Name) -> HttpResponse:
    """End it: nothing more of it is ever handed over."""
    row = domain.find(delivery)
    sendings.cancel(row, reason=f"Cancelled by {caller(request).actor}.")
    history.told(request, row, gettext_noop("Cancelled its sending."))
    return said(_status(request, row))
