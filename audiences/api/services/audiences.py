"""`audiences`: conditions, and how many people they mean."""

from typing import Annotated

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import Field

from audiences import conditions, membership
from audiences.api import history
from audiences.api.answers import at, require_match, said, with_tag
from audiences.api.callers import Acting, caller
from audiences.api.calls import Resource
from audiences.api.paging import Cursor, Limit, page
from audiences.api.problems import FIELDS, REMEDIES, STATUSES
from audiences.api.shapes import Json, Seen, Strict, example
from audiences.api_keys.scopes import SEES_ADDRESSES
from audiences.conditions import BadCondition
from audiences.membership import counting
from audiences.membership.members import BadName
from audiences.models import Audience
from audiences.signals import audience_changed

audiences = Resource("audiences")
STATUSES[BadCondition] = 422
FIELDS.update({BadCondition: "condition", BadName: "name"})
REMEDIES[BadCondition] = "docs/conditions.md has the nodes, and what each takes."
REMEDIES[BadName] = "Choose another name."

_Tree = Annotated[Json, Field(description="A condition tree: docs/conditions.md.")]
_Name = Annotated[Seen, Field(max_length=200)]


_DUTCH = {
    "version": 1,
    "condition": {
        "node": "profile",
        "field": "language",
        "operator": "is",
        "value": "nl",
    },
}


class AudienceIn(Strict):
    """An audience of the people who meet a condition."""

    model_config = example(name="Dutch", condition=_DUTCH)

    name: _Name
    condition: _Tree


class ConditionIn(Strict):
    model_config = example(condition=_DUTCH)

    condition: _Tree


class AudienceOut(Schema):
    name: str
    kind: str
    service: str | None = None
    condition: Json | None = None
    in_words: str


class Audiences(Schema):
    items: list[AudienceOut]
    cursor: str | None = None


class CountOut(Schema):
    """How many; null where nobody can count them while you wait."""

    count: int | None = None
    is_exact: bool
    in_words: str


def shown(row: Audience) -> Json:
    tree: Json | None = row.condition
    return {
        "name": row.name,
        "kind": row.kind,
        "service": row.service.slug if row.service else None,
        "condition": tree,
        "in_words": conditions.sentence(tree) if tree else row.get_kind_display(),
    }


def _may_ask(request: HttpRequest, said: object) -> None:
    """Refuse to find an external id letter by letter: it may be an address, which keys
    without profiles:read see masked. A whole one may be asked for."""
    if isinstance(said, dict):
        if (said.get("field"), said.get("operator")) == ("external_id", "starts_with"):
            caller(request).require(SEES_ADDRESSES, field="condition")
        said = [*said.values()]
    if isinstance(said, list):
        for part in said:
            _may_ask(request, part)


def _editable(row: Audience) -> list[object]:
    """Not how it is worded: that changes with the labels of services."""
    return [row.name, row.kind, row.service_id, row.condition]


def _tagged(row: Audience, status: int = 200) -> HttpResponse:
    return with_tag(shown(row), _editable(row), status)


@audiences.get("", Audiences)
def listed(
    request: HttpRequest, cursor: Cursor = "", limit: Limit = 100
) -> HttpResponse:
    """All audiences."""
    rows: QuerySet[Audience] = Audience.objects.select_related("service")
    return said(page(rows, cursor, limit, shown))


@audiences.ask("/count", CountOut)
def count_condition(request: HttpRequest, body: ConditionIn) -> HttpResponse:
    """How many people meet a condition, without keeping it."""
    conditions.validate(body.condition)
    _may_ask(request, body.condition)
    found = counting.of_tree(body.condition, with_sample=False)
    count = found.count
    return said(
        {
            "count": count.number if count else None,
            "is_exact": bool(count and count.is_exact),
            "in_words": found.sentence,
        }
    )


@audiences.get("/{path:audience}", AudienceOut, tagged=True)
def read(request: HttpRequest, audience: str) -> HttpResponse:
    """One audience."""
    return _tagged(membership.find_audience(audience))


@audiences.get("/{path:audience}/count", CountOut)
def count(request: HttpRequest, audience: str) -> HttpResponse:
    """How many people are in an audience now."""
    row = membership.find_audience(audience)
    found = counting.of_audience(row)
    return said(
        {
            "count": found.number,
            "is_exact": found.is_exact,
            "in_words": shown(row)["in_words"],
        }
    )


@audiences.post("", AudienceOut, status=201, tagged=True)
def create(request: HttpRequest, body: AudienceIn) -> HttpResponse:
    """Make an audience by a condition."""
    made = membership.create_with_condition(body.name, body.condition)
    _may_ask(request, body.condition)
    history.added(request, made)
    return at(_tagged(made, 201), "audiences", made.name)


@audiences.patch("/{path:audience}", AudienceOut)
def change(request: HttpRequest, audience: str, body: ConditionIn) -> HttpResponse:
    """Give an audience another condition."""
    row = membership.find_audience(audience)
    locked = Audience.objects.select_for_update(of=("self",)).get(pk=row.pk)
    require_match(request, _editable(locked))
    conditions.validate(body.condition)
    _may_ask(request, body.condition)
    before = locked.condition
    membership.change_condition(locked, body.condition)
    history.changed(
        request, locked, ["condition"] if locked.condition != before else []
    )
    who = Acting(caller(request))
    audience_changed.send(Audience, audience=locked, user=who)
    return _tagged(locked)
