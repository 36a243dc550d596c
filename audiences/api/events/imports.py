"""`imports`: a file is uploaded, checked, confirmed, imported; its rejects."""

from typing import Annotated

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import File, Form, Schema, UploadedFile
from pydantic import Field

from audiences.api import jobs
from audiences.api.callers import caller
from audiences.api.calls import Resource, said
from audiences.api.paging import Cursor, Limit, page
from audiences.api.problems import Problem
from audiences.api.shapes import JobOut, Json
from audiences.imports import runs
from audiences.imports.kinds import kinds
from audiences.models import ImportReject, ImportRun

imports = Resource("imports")

Number = Annotated[int, Field(ge=1, le=2**63 - 1)]


class ImportOut(JobOut):
    """A file that is imported, and how far that is."""

    file: str
    file_kind: str
    waits_for: str | None = None


class Imports(Schema):
    items: list[ImportOut]
    cursor: str | None = None


class RejectOut(Schema):
    row: int
    field: str
    reason: str
    outcome: str


class Rejects(Schema):
    items: list[RejectOut]
    cursor: str | None = None


# What somebody has to do before it goes on.
_WAITS = {
    ImportRun.State.MAPPING: "the meaning of its columns, in the console",
    ImportRun.State.CHECKED: "a POST to …/confirm",
}


def shown(row: ImportRun) -> Json:
    counts = {**row.counts.get("rows", {}), **row.counts.get("changes", {})}
    return jobs.of_row(
        "import",
        row,
        percent=row.percent,
        counts=counts,
        file=row.file_name,
        file_kind=row.kind,
        waits_for=_WAITS.get(ImportRun.State(row.state)),
    )


def _run(number: int) -> ImportRun:
    row = ImportRun.objects.filter(pk=number).first()
    if row is None:
        raise Problem(404, "There is no such import.")
    return row


def _job(pk: int) -> Json | None:
    row = ImportRun.objects.filter(pk=pk).first()
    return None if row is None else shown(row)


jobs.kinds.add("import", _job)


@imports.get("", Imports)
def listed(
    request: HttpRequest, cursor: Cursor = "", limit: Limit = 100
) -> HttpResponse:
    """The imports, newest first."""
    rows: QuerySet[ImportRun] = ImportRun.objects.all()
    return said(page(rows, cursor, limit, shown, newest_first=True))


@imports.get("/{number}", ImportOut)
def read(request: HttpRequest, number: Number) -> HttpResponse:
    """One import: how far it is, and what was counted."""
    return said(shown(_run(number)))


@imports.post("", ImportOut, status=202)
def upload(
    request: HttpRequest,
    file: UploadedFile = File(...),  # type: ignore[type-arg]  # noqa: B008
    kind: Annotated[str, Field(max_length=20)] = Form("people"),  # type: ignore[type-arg]
    ignore_unknown: bool = Form(False),  # type: ignore[type-arg]
    note: Annotated[str, Field(max_length=2_000)] = Form(""),  # type: ignore[type-arg]
) -> HttpResponse:
    """Upload a file. It is checked first, and imported once it is confirmed.

    "No" in a column of consent opts nobody in: an opt-in goes through `consent`.
    """
    if kind not in kinds:
        raise Problem(
            422,
            f"There is no kind of import {kind!r}.",
            field="kind",
            remedy=f"Kinds: {', '.join(kinds)}.",
        )
    run = runs.upload(
        file.name or "file.csv",
        file.chunks(),
        actor=caller(request).actor,
        kind=kind,
        ignore_unknown=ignore_unknown,
        note=note,
    )
    answer = said(shown(run), 202)
    answer["Location"] = f"/api/v1/imports/{run.pk}"
    return answer


@imports.post("/{number}/confirm", ImportOut, status=202)
def confirm(request: HttpRequest, number: Number) -> HttpResponse:
    """Import what was checked."""
    run = _run(number)
    runs.confirm(run)
    return said(shown(_run(number)), 202)


@imports.post("/{number}/cancel", ImportOut)
def cancel(request: HttpRequest, number: Number) -> HttpResponse:
    """Forget the file; possible until it is imported."""
    if not runs.cancel(_run(number)):
        raise Problem(409, "The import has begun or has ended: it stays.")
    return said(shown(_run(number)))


@imports.get("/{number}/rejects", Rejects)
def rejects(
    request: HttpRequest, number: Number, cursor: Cursor = "", limit: Limit = 100
) -> HttpResponse:
    """The rows and values that were not taken, and why."""
    rows = ImportReject.objects.filter(run=_run(number))
    return said(page(rows, cursor, limit, _reject))


def _reject(row: ImportReject) -> Json:
    return {
        "row": row.row,
        "field": row.field,
        "reason": row.text,
        "outcome": row.outcome,
    }
