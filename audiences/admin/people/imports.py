"""Imports in the browser: upload, see what would change, confirm, fetch the rejects."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _, gettext_lazy, gettext_noop

from audiences.admin.people.import_forms import (
    ColumnsForm,
    PeopleForm,
    SubscriptionsForm,
    UploadForm,
)
from audiences.background import jobs
from audiences.channels import Scope
from audiences.console import masking
from audiences.console.downloads import csv_file
from audiences.console.lists import LogWithPages, profile_link
from audiences.console.numbers import grouped
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.files import rejects as reject_files
from audiences.imports import runs
from audiences.imports.kinds import kinds
from audiences.models import ConsentEvent, ImportRun, Profile
from audiences.refusals import Refused, Sentence

SHOWN = 20
COUNTS = {
    "created": gettext_lazy("new people"),
    "updated": gettext_lazy("changed"),
    "subscribed": gettext_lazy("new subscriptions"),
    "unsubscribed": gettext_lazy("ended subscriptions"),
    "changed": gettext_lazy("changed"),
    "unchanged": gettext_lazy("unchanged"),
    "rejected": gettext_lazy("rejected rows"),
    "restricted": gettext_lazy("of them opted out all the same"),
    "bad_values": gettext_lazy("bad values"),
}
TONES = {"rejected": "bad", "restricted": "warn", "bad_values": "warn"}


def may_import(request: HttpRequest, kind: str = "people") -> bool:
    """An import of people shows the addresses in the file, and what is wrong there."""
    return bool(request.user.has_perms(kinds[kind].permissions))


def upload_page(
    owner: PlainAdmin, request: HttpRequest, form_class: type[UploadForm]
) -> HttpResponse:
    """The form with which a file is uploaded; then the page of its run."""
    if not may_import(request, form_class.kind):
        raise PermissionDenied
    form = form_class(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        run = form.upload(actor=request.user.get_username())
        if run is not None:
            return redirect("admin:audiences_importrun_change", run.pk)
    template = "admin/audiences/importrun/upload.html"
    return owner.respond(request, template, title=form.title, form=form)


@admin.register(ImportRun)
class ImportRunAdmin(LogWithPages):
    page_template = "admin/audiences/importrun/page.html"
    list_display = ("file_name", "what", "actor", "created_at", "state", "changed")
    list_filter = ("state",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_import(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if super().has_view_permission(request, obj):
            return True
        mine = self._kinds(request)
        return obj.kind in mine if obj else bool(mine)

    def _kinds(self, request: HttpRequest) -> list[str]:
        """The kinds that this operator may import."""
        return [code for code in kinds if may_import(request, code)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportRun]:
        rows, mine = super().get_queryset(request), self._kinds(request)
        # Those who may see none are refused, whichever row they ask for.
        if super().has_view_permission(request) or not mine:
            return rows
        return rows.filter(kind__in=mine)

    @admin.display(description=gettext_lazy("kind"))
    def what(self, run: ImportRun) -> str:
        return str(kinds[run.kind].label)

    @admin.display(description=gettext_lazy("new and changed"))
    def changed(self, run: ImportRun) -> str:
        rows, changing = run.counts.get("rows", {}), kinds[run.kind].importer.changing
        return grouped(sum(rows.get(name, 0) for name in changing))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return upload_page(self, request, PeopleForm)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        more = {"may_import_subscriptions": may_import(request, "subscriptions")}
        return super().changelist_view(request, {**(extra_context or {}), **more})

    def beside(self, request: HttpRequest, row: ImportRun) -> Facts:
        may_decide = may_import(request, row.kind)
        return {
            "title": row.file_name,
            "run": row,
            "waits_long": jobs.waits_long(row),
            "may_decide": may_decide,
            "may_see_rows": masking.may_see_addresses(request),
            "notes": [str(Sentence.of_json(n)) for n in row.preview.get("notes", [])],
            "rejects": row.rejects.all()[:SHOWN] if may_decide else [],
            **_counted(row),
        }


@page(
    ImportRun,
    "subscriptions",
    *kinds["subscriptions"].permissions,
    route="add/subscriptions/",
)
def add_subscriptions(owner: PlainAdmin, request: HttpRequest) -> Answer:
    return upload_page(owner, request, SubscriptionsForm)


@page(ImportRun, "columns", title=gettext_lazy("What the columns mean"))
def columns(owner: PlainAdmin, request: HttpRequest, run: ImportRun) -> Answer:
    """Each column with some of its values, to say what it is."""
    _require(request, run)
    if run.state not in (ImportRun.State.MAPPING, ImportRun.State.CHECKED):
        return owner.go_back(run)
    form = ColumnsForm(run, request.POST or None)
    if request.method == "POST" and form.save():
        return owner.go_back(run)
    return {
        "run": run,
        "form": form,
        "may_see_rows": masking.may_see_addresses(request),
    }


@page(ImportRun, "confirm", method="POST")
def confirm(owner: PlainAdmin, request: HttpRequest, run: ImportRun) -> Answer:
    _require(request, run)
    try:
        runs.confirm(run)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        owner.log_change(request, run, gettext_noop("Confirmed."))
    return owner.go_back(run)


@page(ImportRun, "cancel", method="POST")
def cancel(owner: PlainAdmin, request: HttpRequest, run: ImportRun) -> Answer:
    _require(request, run)
    if runs.cancel(run):
        owner.log_change(request, run, gettext_noop("Stopped."))
    else:
        messages.info(request, _("It cannot be cancelled any more."))
    return owner.go_back(run)


@page(ImportRun, "rejects")
def rejects(owner: PlainAdmin, request: HttpRequest, run: ImportRun) -> Answer:
    _require(request, run)
    shown = (
        (each.row, each.field, masking.shown_text(request, each.text), each.outcome)
        for each in run.rejects.all().iterator()
    )
    return csv_file(f"import-{run.pk}-rejects.csv", reject_files.COLUMNS, shown)


def _require(request: HttpRequest, run: ImportRun) -> None:
    """Only those who may import such a file decide about it, and see its rejects."""
    if not may_import(request, run.kind):
        raise PermissionDenied


def _counted(run: ImportRun) -> dict[str, Any]:
    """What the rows of a run came to, or would come to, in words."""
    rows, changes = run.counts.get("rows"), run.counts.get("changes", {})
    return {
        "counts": rows
        and [
            (
                COUNTS[name],
                grouped(rows[name]),
                TONES.get(name, "") if rows[name] else "",
            )
            for name in COUNTS
            if name in rows
        ],
        "changes": [
            (*_change(*key.split(":")), grouped(count))
            for key, count in sorted(changes.items())
        ],
        "kept_out": run.counts.get("kept_out"),
        "sample": _sample(run.preview.get("sample", [])),
    }


def _sample(kept: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    """Rows of the file whose people would change, with their names.

    Who would only be made by the import has no page yet; a number that somebody else
    got meanwhile leads nowhere.
    """
    known = Profile.objects.in_bulk([each.get("profile") for each in kept])
    found: list[tuple[object, ...]] = []
    for each in kept:
        person, name = known.get(each.get("profile")), each.get("name", "")
        who: str = name
        if person and name in ("", person.name):
            who = profile_link(person.pk, person)
        change = _change(each["kind"], each["scope"])
        found.append((each["row"], who, each["external_id"], *change))
    return found


def _change(kind: str, scope: str) -> tuple[str, str]:
    return str(ConsentEvent.Kind(kind).label), str(Scope(scope).label)
