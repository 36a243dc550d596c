"""What is said with an uploaded file: options of commands, under their names."""

from typing import Annotated, Any

from django.http import HttpRequest
from pydantic import Field

from audiences.api.callers import Caller
from audiences.api.problems import Problem
from audiences.api.shapes import ChannelCode, ScopeCode, Strict
from audiences.files.cleaning import says_something
from audiences.imports.kinds import kinds
from audiences.models import ImportRun

# Of every kind; the others are in `Kind.options`.
READING = ("kind", "encoding", "sheet", "map", "ignore")
# Each of these is a list.
_REPEATED = ("map", "ignore")
# What opts people in needs the scope of that too, and a proof.
_OPTS_IN = {"allow_opt_in": "consent:write", "revive": "subscriptions:write"}
_Name = Annotated[str, Field(max_length=200)]
_Names = Annotated[list[_Name], Field(max_length=200)]


class UploadIn(Strict):
    """A file's kind, and how it is read and imported; the file itself is `file`."""

    kind: Annotated[str, Field(max_length=20)] = "people"
    encoding: Annotated[
        str, Field(max_length=40, description="Such as cp850; found by itself.")
    ] = ""
    sheet: Annotated[_Name, Field(description="Of a spreadsheet; else the first.")] = ""
    map: Annotated[
        _Names,
        Field(description="NAME=COLUMN: what a column of the file means."),
    ] = []
    ignore: Annotated[_Names, Field(description="Columns to leave out.")] = []
    ignore_unknown: Annotated[
        bool, Field(description="Leave out columns whose name is not known.")
    ] = False
    all_opted_out: Annotated[
        ScopeCode | None,
        Field(description="Everybody in the file has opted out of it."),
    ] = None
    update_only: Annotated[
        bool, Field(description="Create nobody: unknown people are rejected.")
    ] = False
    allow_opt_in: Annotated[
        bool,
        Field(description="No in a column of consent opts in: needs a note."),
    ] = False
    service: Annotated[
        str, Field(max_length=50, description="The service of every row.")
    ] = ""
    revive: Annotated[
        bool,
        Field(description="Subscribe also who has unsubscribed: needs a note."),
    ] = False
    channel: Annotated[
        ChannelCode | None, Field(description="The channel of every row.")
    ] = None
    audience: Annotated[_Name, Field(description="The list that people go into.")] = ""
    note: Annotated[
        str, Field(max_length=2_000, description="How the people asked for it.")
    ] = ""

    def chosen(self) -> dict[str, Any]:
        """What was asked for, without what was left out."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return {
            name: getattr(value, "value", value)
            for name, value in given.items()
            if value
        }


def refuse_parts(request: HttpRequest) -> None:
    """Refuse parts of the form that no upload has, or that are there twice: which one
    was meant?"""
    known = {*UploadIn.model_fields, "file"}
    parts: list[tuple[str, list[Any]]]
    parts = [*request.POST.lists(), *request.FILES.lists()]
    for name, found in sorted(parts, key=lambda part: part[0]):
        if name not in known:
            raise Problem(
                422,
                f"There is no field {name!r}.",
                code="unknown_field",
                field=name,
                remedy=f"Fields: {', '.join(sorted(known))}.",
            )
        if len(found) > 1 and name not in _REPEATED:
            raise Problem(
                422,
                f"The form has the part {name!r} more than once.",
                code="repeated_field",
                field=name,
                remedy=f"Repeated may be: {', '.join(_REPEATED)}.",
            )


def check(who: Caller, body: UploadIn) -> dict[str, Any]:
    """What was asked for, if this key may ask it of such a file; raises Problem."""
    require_kind(who, body.kind)
    kind, chosen = kinds[body.kind], body.chosen()
    for name in chosen:
        if name not in (*READING, *kind.options):
            raise Problem(
                422,
                f"A file of the kind {body.kind!r} has no {name}.",
                field=name,
                remedy=f"It has: {', '.join((*READING, *kind.options))}.",
            )
    for name in kind.needs:
        if name not in chosen:
            raise Problem(
                422, f"A file of the kind {body.kind!r} needs {name}.", field=name
            )
    for name, scope in _OPTS_IN.items():
        if name in chosen:
            who.require(scope, field=name)
            if not says_something(body.note):
                raise Problem(
                    422,
                    f"{name} needs a note that says how the people asked for it.",
                    field="note",
                )
    return chosen


def require_run(who: Caller, run: ImportRun) -> None:
    """Refuse what the key could not have uploaded so; raises Problem."""
    require_kind(who, run.kind)
    if run.allow_opt_in:
        who.require(_OPTS_IN["allow_opt_in"])


def require_kind(who: Caller, kind: str) -> None:
    """Refuse a kind that there is not, and one that the key may not write."""
    if kind not in kinds:
        raise Problem(
            422,
            f"There is no kind of import {kind!r}.",
            field="kind",
            remedy=f"Kinds: {', '.join(kinds)}.",
        )
    if scope := kinds[kind].scope:
        who.require(scope, field="kind")


def mapping_of(pairs: list[str]) -> dict[str, str]:
    """Our names with their columns; raises Problem."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, column = (part.strip() for part in pair.partition("="))
        if not (name and equals and column) or name in found:
            why = f"{name} is given twice" if name in found else "write NAME=COLUMN"
            raise Problem(422, f"map {pair!r}: {why}.", field="map")
        found[name] = column
    return found
