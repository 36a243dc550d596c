"""`imports`: a file is uploaded, checked, confirmed, imported; its rejects."""

import re
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext_noop
from ninja import File, Form, UploadedFile

from audiences import subscriptions
from audiences.api import history, jobs
from audiences.api.answers import LANGUAGE, at, said
from audiences.api.callers import Caller, caller
from audiences.api.calls import Resource
from audiences.api.events import import_options as options
from audiences.api.events.import_options import UploadIn
from audiences.api.events.import_shapes import (
    FORM,
    Imports,
    ImportWhole,
    Number,
    Rejects,
)
from audiences.api.paging import Cursor, Limit, page
from audiences.api.problems import Problem, of_refusal
from audiences.api.shapes import Json
from audiences.console.downloads import csv_file
from audiences.files import UnknownColumns, rejects as reject_files
from audiences.imports import runs
from audiences.models import ImportReject, ImportRun
from audiences.refusals import Refused, Sentence
from audiences.subscriptions import NoSuchService

imports = Resource("imports")
_OPTION = re.compile(r"--([a-z][a-z-]{0,20}[a-z])\b")

# What somebody has to do before it goes on.
_WAITS = {
    ImportRun.State.MAPPING: "the meaning of its columns: a PUT to …/columns",
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


def whole(request: HttpRequest, row: ImportRun) -> Json:
    """An import with how it was understood; its rows themselves are not shown."""
    # A file without headings has somebody's address in their place.
    text = caller(request).shown
    look = _without_people(caller(request), row.preview)
    preview = {
        **{name: look.get(name, "") for name in ("encoding", "delimiter", "system")},
        "columns": [
            {"column": text(each["header"]), "name": each["name"]}
            for each in look.get("columns", [])
        ],
        "left_out": [text(each) for each in look.get("left_out", [])],
        "notes": [text(str(Sentence.of_json(n))) for n in look.get("notes", [])],
        "asked": text(_in_words_of_the_form(look.get("asked", ""))),
        "unknown": [text(each) for each in look.get("unknown", [])],
        # An id or a name may be an address.
        "sample": [
            {name: text(v) if isinstance(v, str) else v for name, v in each.items()}
            for each in look.get("sample", [])
        ],
    }
    return {**_seen(request, row), "preview": preview}


def _without_people(who: Caller, preview: Json) -> Json:
    """What a key without profiles:read sees: not whose consent would change. A check of
    some addresses would tell it who is behind them."""
    if who.sees_addresses:
        return preview
    nobody: Json = {"profile": None, "external_id": "", "name": ""}
    sample = [{**each, **nobody} for each in preview.get("sample", [])]
    return {**preview, "sample": sample}


def _seen(request: HttpRequest, row: ImportRun) -> Json:
    return jobs.seen_by(caller(request), shown(row))


def find(number: int) -> ImportRun:
    """The import with a number; raises Problem."""
    row = ImportRun.objects.filter(pk=number).first()
    if row is None:
        raise Problem(404, "There is no such import.", field="number")
    return row


def decided(request: HttpRequest, number: int) -> ImportRun:
    """The import that this key decides about, if it may write such files."""
    row = find(number)
    options.require_run(caller(request), row)
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
    return said(
        page(rows, cursor, limit, lambda row: _seen(request, row), newest_first=True)
    )


@imports.get("/{number}", ImportWhole)
def read(request: HttpRequest, number: Number) -> HttpResponse:
    """One import: how far it is, how it was understood, and what was counted."""
    return said(whole(request, find(number)))


@imports.post("", ImportWhole, status=202, openapi_extra={"requestBody": FORM})
def upload(
    request: HttpRequest,
    file: UploadedFile = File(...),  # type: ignore[type-arg]  # noqa: B008
    form: UploadIn = Form(...),  # type: ignore[type-arg]  # noqa: B008
) -> HttpResponse:
    """Upload a file. It is checked first, and imported once it is confirmed.

    The check changes nothing and counts what would change. "No" in a column of consent
    opts nobody in without `allow_opt_in` and its note. The separator and the encoding
    are found out. Other kinds of files than people need the scope of what they write.
    """
    options.refuse_parts(request)
    who = caller(request)
    chosen = options.check(who, form)
    run = _kept(file, form, chosen, who.actor)
    return at(said(whole(request, run), 202), "imports", run.pk)


def _kept(file: Any, form: UploadIn, chosen: Json, actor: str) -> ImportRun:
    names = {"encoding", "sheet", "service", "channel", "audience", "ignore"}
    names |= {"all_opted_out", "update_only", "revive"}
    details = {name: chosen[name] for name in names & chosen.keys()}
    if form.map:
        details["map"] = options.mapping_of(form.map)
    try:
        if form.service:
            subscriptions.find_service(form.service)
        return runs.upload(
            file.name or "file.csv",
            file.chunks(),
            actor=actor,
            kind=form.kind,
            ignore_unknown=form.ignore_unknown,
            allow_opt_in=form.allow_opt_in,
            note=form.note,
            details=details,
        )
    except Refused as refusal:
        # Nothing of the site is in the way: the file is, or what was said about it.
        problem = of_refusal(refusal)
        raise Problem(
            422,
            _in_words_of_the_form(problem.detail),
            code=problem.code,
            field=_field(refusal, chosen),
            remedy=problem.remedy
            if isinstance(refusal, NoSuchService)
            else "docs/import.md says what files there are.",
        ) from refusal


def _in_words_of_the_form(text: str) -> str:
    """Options of commands are parts of the form under the same names."""
    return _OPTION.sub(lambda found: found[1].replace("-", "_"), text)


def _field(refusal: Refused, chosen: Json) -> str:
    """What it is about: the option that its kind or its sentence names, or the file."""
    if isinstance(refusal, NoSuchService):
        return "service"
    if isinstance(refusal, UnknownColumns):
        return next((name for name in ("map", "ignore") if name in chosen), "file")
    said = str(refusal)
    about = [name for name in ("encoding", "sheet", "audience") if name in chosen]
    named = (name for name in about if name in said or f"“{chosen[name]}”" in said)
    return next(named, "file")


@imports.post("/{number}/confirm", ImportWhole, status=202)
def confirm(request: HttpRequest, number: Number) -> HttpResponse:
    """Import what was checked."""
    run = decided(request, number)
    history.told(request, run, gettext_noop("Confirmed."))
    runs.confirm(run)
    return at(said(whole(request, find(number)), 202), "imports", number)


@imports.post("/{number}/cancel", ImportWhole)
def cancel(request: HttpRequest, number: Number) -> HttpResponse:
    """Forget the file; possible until it is imported."""
    run = decided(request, number)
    if not runs.cancel(run):
        raise Problem(409, "The import has begun or has ended: it stays.")
    history.told(request, run, gettext_noop("Stopped."))
    return said(whole(request, find(number)))


@imports.get("/{number}/rejects", Rejects)
def rejects(
    request: HttpRequest, number: Number, cursor: Cursor = "", limit: Limit = 100
) -> HttpResponse:
    """The rows and values that were not taken, and why."""
    rows = ImportReject.objects.filter(run=find(number))
    return said(page(rows, cursor, limit, lambda row: _reject(request, row)))


def _reject(request: HttpRequest, row: ImportReject) -> Json:
    return {
        "row": row.row,
        "field": row.field,
        "reason": caller(request).shown(_in_words_of_the_form(row.text)),
        "outcome": row.outcome,
    }


_CSV = {"200": {"content": {"text/csv": {"schema": {"type": "string"}}}}}


@imports.get("/{number}/rejects.csv", None, openapi_extra={"responses": _CSV})
def rejects_file(request: HttpRequest, number: Number) -> HttpResponse:
    """The same as a file of comma-separated values, all of it."""
    run = find(number)

    def row(reject: ImportReject) -> tuple[object, ...]:
        with translation.override(LANGUAGE):  # it is written after the call
            return tuple(_reject(request, reject).values())

    rows = map(row, run.rejects.all().iterator())
    return csv_file(  # type: ignore[return-value]
        f"import-{run.pk}-rejects.csv", reject_files.COLUMNS, rows
    )
