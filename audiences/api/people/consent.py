"""`consent`: opting in and out, the history that proves it, receipts."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import Field

from audiences.api import naming
from audiences.api.answers import said
from audiences.api.callers import Caller, caller
from audiences.api.calls import Resource
from audiences.api.paging import Cursor, Limit, page
from audiences.api.problems import FIELDS, REMEDIES, STATUSES, Problem
from audiences.api.shapes import (
    MOST_ITEMS,
    ItemPast,
    ItemProblem,
    Json,
    Note,
    ProfileName,
    ScopeCode,
    Short,
    Strict,
    When,
    example,
)
from audiences.consent import Recorded, events_of, many
from audiences.consent.many import Gone, ProofNeeded
from audiences.ledger import receipts
from audiences.ledger.receipts import NoReceipt
from audiences.models import ConsentEvent
from audiences.records.profiles import event_facts
from audiences.refusals import Refused
from audiences.suppression.restriction import Restricted

consent = Resource("consent")
FIELDS.update({ProofNeeded: "note", Gone: "profile", Restricted: "profile"})
STATUSES[Gone] = 404
FIELDS[NoReceipt] = "event"
REMEDIES[NoReceipt] = (
    "Name an event of the history of this person; within some minutes the ledger has "
    "what is new."
)
REMEDIES[ProofNeeded] = (
    "Send a `note` that says how the person asked for it, or the `wording` of the text "
    "that they agreed to."
)


class ConsentItem(Strict):
    """One act of one person."""

    profile: ProfileName
    action: Literal["opt_out", "opt_in"]
    channel: ScopeCode
    source: Short = Field("", description="Where the person asked, such as webshop.")
    note: Note = ""
    at: ItemPast | None = Field(None, description="When the person asked; else now.")
    wording: Annotated[str, Field(max_length=100)] = Field(
        "", description="The version of the text that the person agreed to."
    )


class ConsentIn(Strict):
    """Acts of up to 1,000 people; each has its own result."""

    model_config = example(
        items=[
            {
                "profile": "addr:ann@example.org",
                "action": "opt_out",
                "channel": "email",
                "source": "webshop",
                "note": "asked in the chat",
            }
        ]
    )

    items: Annotated[list[ConsentItem], Field(min_length=1, max_length=MOST_ITEMS)]


class ItemResult(Schema):
    """What became of one item."""

    profile: str
    status: Literal["changed", "unchanged", "failed"]
    id: int | None = None
    event: int | None = None
    warning: str | None = None
    error: ItemProblem | None = None


class ItemResults(Schema):
    """What became of each item, in the order in which they were sent."""

    items: list[ItemResult]
    changed: int
    unchanged: int
    failed: int


class EventOut(Schema):
    """One event of the history."""

    id: int
    at: When
    kind: str
    channel: str | None = None
    service: str | int | None = None
    source: str
    wording_version: str | None = None
    delivery: int | None = None
    actor: str = ""
    note: str = ""


class History(Schema):
    items: list[EventOut]
    cursor: str | None = None


@consent.post("", ItemResults)
def change(request: HttpRequest, body: ConsentIn) -> HttpResponse:
    """Opt up to 1,000 people in or out.

    An opt-out that was answered with 200 is committed: nothing is handed over to that
    person on that channel afterwards. An opt-in needs a note or a wording as its proof.
    """
    who = caller(request)
    named = naming.each(item.profile for item in body.items)
    acts = [
        many.Act(pk, item.channel.value, item.action == "opt_out", _origin(who, item))
        for item in body.items
        if isinstance(pk := named[item.profile], int)
        and not isinstance(item.at, Refused)
    ]
    return said(results(body.items, named, many.apply(acts)))


def _origin(who: Caller, item: ConsentItem) -> Any:
    return who.origin(
        note=item.note, source=item.source, wording=item.wording, at=item.at
    )


def results(
    items: list[Any], named: dict[str, "int | Problem"], done: list[Recorded | Refused]
) -> Json:
    """What became of each item; `done` has those whose person was found, in order."""
    rest, rows = iter(done), []
    counts = {"changed": 0, "unchanged": 0, "failed": 0}
    for item in items:
        found = named[item.profile]
        row: Json = {"profile": item.profile}
        if isinstance(found, Problem):
            row |= naming.failed(found)
        elif isinstance(item.at, Refused):
            row |= {"id": found, **naming.failed(item.at)}
        else:
            row |= {"id": found, **one_result(next(rest))}
        counts[row["status"]] += 1
        rows.append(row)
    return {"items": rows, **counts}


def one_result(result: Recorded | Refused) -> Json:
    """What became of one act."""
    if isinstance(result, Refused):
        return naming.failed(result)
    row: Json = {"status": "changed" if result.changed else "unchanged"}
    if result.event_id:
        row["event"] = result.event_id
    if result.warning:
        row["warning"] = result.warning
    return row


@consent.get("", History)
def history(
    request: HttpRequest, profile: ProfileName, cursor: Cursor = "", limit: Limit = 100
) -> HttpResponse:
    """The consent history of a person, newest first."""
    found, who = naming.one(profile), caller(request)

    def shown(event: ConsentEvent) -> Json:
        facts = event_facts(event)
        return {**facts, "note": who.shown(facts["note"])}

    return said(page(events_of(found.pk), cursor, limit, shown, newest_first=True))


@consent.get("/receipt", Json)
def receipt(
    request: HttpRequest,
    profile: ProfileName,
    event: Annotated[int | None, Field(ge=1, le=2**63 - 1)] = None,
) -> HttpResponse:
    """A receipt that proves what a person agreed to, without us."""
    return said(receipts.receipt(naming.one(profile), event).data)
