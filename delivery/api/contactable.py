"""`contactable`: whom another system may contact now, and why not."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from json.encoder import encode_basestring as quoted
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import Field, model_validator

from audiences import profiles, subscriptions
from audiences.api import naming
from audiences.api.calls import Resource
from audiences.api.problems import Problem
from audiences.api.shapes import (
    MOST_ITEMS,
    AddressText,
    ChannelCode,
    Number,
    ProfileName,
    Slug,
    Strict,
)
from audiences.sql.halves import in_halves
from delivery.models import Delivery
from delivery.sending import contactable as domain
from delivery.sending.contactable import Answer, Question

contactable = Resource("contactable")
# Whom nobody, or more than one, is known by.
UNKNOWN, AMBIGUOUS = domain.UNKNOWN, "ambiguous"

_Names = Annotated[
    list[ProfileName | Number], Field(min_length=1, max_length=MOST_ITEMS)
]
_Addresses = Annotated[list[AddressText], Field(min_length=1, max_length=MOST_ITEMS)]


class ContactableIn(Strict):
    """Addresses, or profiles: up to 1,000 of one of the two."""

    channel: ChannelCode
    purpose: Literal["marketing", "transactional", "legal"] = "marketing"
    service: Slug | None = None
    addresses: _Addresses | None = None
    profiles: _Names | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "ContactableIn":
        if (self.addresses is None) == (self.profiles is None):
            raise ValueError("give either addresses or profiles")
        return self

    model_config = {
        **Strict.model_config,
        "json_schema_extra": {
            "oneOf": [{"required": ["addresses"]}, {"required": ["profiles"]}],
            "examples": [{"channel": "email", "addresses": ["ann@example.org"]}],
        },
    }


class ContactableItem(Schema):
    """One answer; `causes` are those of reports, in their order."""

    address: str | None = None
    profile: str | int | None = None
    contactable: bool
    causes: list[str]


class ContactableOut(Schema):
    items: list[ContactableItem]


@contactable.ask("", ContactableOut)
def ask(request: HttpRequest, body: ContactableIn) -> HttpResponse:
    """Whether people or addresses may be contacted now, with all causes why not.

    By the rules of deliveries and the lists of the last check, for up to 1,000.
    """
    service = subscriptions.find_service(body.service) if body.service else None
    channel = body.channel.value
    if service is not None and service.channel != channel:
        raise Problem(
            422,
            f"The service {service.slug!r} is on the channel {service.channel}.",
            field="service",
        )
    question = Question(channel, Delivery.Purpose(body.purpose), service)
    if body.addresses is not None:
        of_addresses = partial(domain.of_addresses, question)
        answers = in_halves(of_addresses, body.addresses)
        return _told("address", body.addresses, answers)
    given = body.profiles or []
    people = in_halves(partial(_of_profiles, question), given)
    return _told("profile", given, people)


def _of_profiles(
    question: Question, given: Sequence[str | int]
) -> dict[str | int, Answer]:
    # Whether somebody has an id is told by the answer.
    ids: dict[str | int, int | Problem] = {}
    others = []
    for name in given:
        pk = name if isinstance(name, int) else profiles.named_id(name)
        if pk is not None:
            ids[name] = pk
        else:
            others.append(str(name))
    if others:
        ids.update(naming.each(others))
    known = [pk for pk in ids.values() if isinstance(pk, int)]
    answers = domain.of_profiles(question, known)
    return {
        name: answers.get(found, _UNKNOWN) if isinstance(found, int) else _why(found)
        for name, found in ids.items()
    }


_UNKNOWN, _AMBIGUOUS = Answer([UNKNOWN]), Answer([AMBIGUOUS])


def _why(problem: Problem) -> Answer:
    return _AMBIGUOUS if problem.code == AMBIGUOUS else _UNKNOWN


def _told(
    kind: str, names: Sequence[str | int], answers: Mapping[Any, Answer]
) -> HttpResponse:
    """An item for each name, in their order; most end alike, which is written once."""
    ends: dict[int, str] = {}
    items = []
    for name in names:
        answer = answers[name]
        end = ends.get(id(answer))
        if end is None:
            end = ends[id(answer)] = _end(answer)
        said = quoted(name) if isinstance(name, str) else name
        items.append(f'{{"{kind}":{said},{end}')
    body = f'{{"items":[{",".join(items)}]}}'.encode()
    return HttpResponse(body, content_type="application/json")


def _end(answer: Answer) -> str:
    facts = {"contactable": not answer.causes, "causes": list(answer.causes)}
    return json.dumps(facts, separators=(",", ":")).removeprefix("{")
