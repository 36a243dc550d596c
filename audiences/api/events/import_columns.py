"""`imports`: what the columns of a file mean, where it does not say so itself."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_noop
from ninja import Schema
from pydantic import Field

from audiences.api import history
from audiences.api.answers import require_match, with_tag
from audiences.api.callers import caller
from audiences.api.events.import_shapes import ImportWhole, Number
from audiences.api.events.imports import decided, find, imports, whole
from audiences.api.problems import FIELDS, STATUSES, Problem
from audiences.api.shapes import Json, Strict, example
from audiences.files import UnknownColumns
from audiences.imports import run_columns, runs
from audiences.imports.kinds import kinds
from audiences.imports.run_columns import LEFT_OUT, Choice, ColumnToChoose
from audiences.models import ImportRun

# Two columns that mean the same, or none that names anybody.
STATUSES[UnknownColumns] = 422
FIELDS[UnknownColumns] = "columns"
_Words = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=100)]


class ColumnIn(Strict):
    """What one column means; `name` null leaves it out."""

    column: Annotated[str, Field(max_length=2_000)] = Field(
        description="Its heading, as the answer says it."
    )
    name: Annotated[str, Field(max_length=200)] | None = None
    when: _Words = Field([], description="With which values it says yes; * for any.")


class ColumnsIn(Strict):
    """Every column of the file, in its order."""

    model_config = example(
        columns=[
            {"column": "Nr", "name": "external_id"},
            {"column": "Mail?", "name": "no_longer_contact_email", "when": ["no"]},
            {"column": "Remarks", "name": None},
        ]
    )

    columns: Annotated[list[ColumnIn], Field(min_length=1, max_length=2_000)]


class ColumnOut(Schema):
    """A column, some of its values, and what it may mean."""

    column: str
    samples: list[str]
    filled: int
    guess: str | None = None
    when: list[str]
    is_about_consent: bool


class Columns(Schema):
    items: list[ColumnOut]
    names: list[str]


def _open(run: ImportRun) -> list[ColumnToChoose]:
    if run.state not in (ImportRun.State.MAPPING, ImportRun.State.CHECKED):
        raise Problem(409, "The file is gone, or is worked on: its columns stay.")
    return run_columns.to_choose(run)


def _names(run: ImportRun) -> list[str]:
    return [name for name, _label in kinds[run.kind].importer.choices()]


@imports.get("/{number}/columns", Columns, tagged=True)
def columns(request: HttpRequest, number: Number) -> HttpResponse:
    """The columns of a file that waits, each with what it may mean.

    Their values are of people: keys without profiles:read see them masked.
    """
    run, text = find(number), caller(request).shown
    items: list[Json] = [
        {
            "column": text(each["heading"]),
            "samples": [text(sample) for sample in each["samples"]],
            "filled": each["filled"],
            "guess": None if each["guess"] in ("", LEFT_OUT) else each["guess"],
            "when": each["when"],
            "is_about_consent": each["is_about_consent"],
        }
        for each in _open(run)
    ]
    return with_tag({"items": items, "names": _names(run)}, _editable(run))


def _editable(run: ImportRun) -> list[object]:
    """What somebody has said of the columns, if they have."""
    return [run.pk, run.details.get("columns")]


def _takes_words(name: str | None) -> bool:
    return name is not None and name.startswith(("no_longer_contact", "failed_"))


@imports.put("/{number}/columns", ImportWhole)
def choose(request: HttpRequest, number: Number, body: ColumnsIn) -> HttpResponse:
    """Say what each column means; the file is checked once more, so read."""
    run = ImportRun.objects.select_for_update(of=("self",)).get(
        pk=decided(request, number).pk
    )
    require_match(request, _editable(run))
    there, names = _open(run), {*_names(run)}
    text = caller(request).shown
    if len(there) != len(body.columns):
        headings = ", ".join(repr(text(each["heading"])) for each in there)
        raise Problem(
            422,
            f"The file has {len(there)} columns, and here are {len(body.columns)}.",
            field="columns",
            remedy=f"Send each column of the file, in its order: {headings}. The name "
            "null leaves one out.",
        )
    chosen: list[Choice] = []
    for place, (given, column) in enumerate(zip(body.columns, there, strict=True)):
        at = f"columns.{place}"
        if given.column not in (column["heading"], text(column["heading"])):
            raise Problem(
                422,
                f"Column {place + 1} of the file is {text(column['heading'])!r}.",
                field=f"{at}.column",
            )
        if given.name is not None and given.name not in names:
            raise Problem(
                422,
                f"{given.name!r} is no name of ours.",
                field=f"{at}.name",
                remedy=f"Names: {', '.join(sorted(names))}; null leaves it out.",
            )
        if given.when and not _takes_words(given.name):
            raise Problem(
                422,
                "Only a column of consent, or of failures, says yes by certain values.",
                field=f"{at}.when",
                remedy="Leave it out here.",
            )
        rest = [value for value in column["samples"] if value not in given.when]
        name = given.name or LEFT_OUT
        chosen.append({"name": name, "when": given.when, "unless": rest})
    history.told(request, run, gettext_noop("The meaning of the columns was chosen."))
    runs.give_meaning(run, chosen)
    run = decided(request, number)
    return with_tag(whole(request, run), _editable(run))
