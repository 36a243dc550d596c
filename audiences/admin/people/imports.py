"""Imports in the browser: upload, see what would change, confirm, fetch the rejects."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_POST

from audiences import roles
from audiences.admin.people.forms import ImportForm
from audiences.channels import Scope
from audiences.console.downloads import csv_file
from audiences.console.lists import ReadOnlyLog
from audiences.console.numbers import grouped
from audiences.imports import runs
from audiences.models import ConsentEvent, ImportRun
from audiences.refusals import Refused

SHOWN = 20
COUNTS = {
    "created": gettext_lazy("new people"),
    "updated": gettext_lazy("changed"),
    "unchanged": gettext_lazy("unchanged"),
    "rejected": gettext_lazy("rejected rows"),
    "bad_values": gettext_lazy("bad values"),
}
TONES = {"rejected": "bad", "bad_values": "warn"}


def may_import(request: HttpRequest) -> bool:
    """Who imports sees the addresses in the file, and what is wrong with them."""
    return bool(request.user.has_perms([roles.IMPORT, roles.SEE_ADDRESSES]))


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyLog):
    list_display = ("file_name", "actor", "created_at", "state", "people")
    list_filter = ("state",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_import(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or may_import(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @admin.display(description=gettext_lazy("new and changed people"))
    def people(self, run: ImportRun) -> str:
        rows = run.counts.get("rows", {})
        return grouped(rows.get("created", 0) + rows.get("updated", 0))

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "confirm": require_POST(self.confirm),
            "cancel": require_POST(self.cancel),
            "rejects": self.rejects,
        }
        return [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"audiences_importrun_{name}",
            )
            for name, view in pages.items()
        ] + super().get_urls()

    # ------------------------------------------------------------------ pages
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not may_import(request):
            raise PermissionDenied
        form = ImportForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            run = form.upload(actor=request.user.get_username())
            if run is not None:
                return _page_of(run.pk)
        return TemplateResponse(
            request,
            "admin/audiences/importrun/upload.html",
            self._context(request) | {"title": _("Import people"), "form": form},
        )

    def _context(self, request: HttpRequest) -> dict[str, Any]:
        return self.admin_site.each_context(request) | {
            "opts": ImportRun._meta,
            "media": self.media,
        }

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method == "POST":  # it is changed by its own buttons alone
            raise PermissionDenied
        run = self.get_object(request, object_id)
        if run is None or not self.has_view_permission(request, run):
            return super().change_view(request, object_id, form_url, extra_context)
        rows = run.counts.get("rows")
        changes = run.counts.get("changes", {})
        context = self._context(request) | {
            "title": run.file_name,
            "run": run,
            "waits_long": runs.waits_long(run),
            "may_decide": may_import(request),
            "counts": rows
            and [
                (label, grouped(rows[name]), TONES.get(name, "") if rows[name] else "")
                for name, label in COUNTS.items()
            ],
            "changes": [
                (*_change(*key.split(":")), grouped(count))
                for key, count in sorted(changes.items())
            ],
            "kept_out": run.counts.get("kept_out"),
            "sample": [
                (
                    each["row"],
                    each["external_id"],
                    *_change(each["kind"], each["scope"]),
                )
                for each in run.preview.get("sample", [])
            ],
            "rejects": run.rejects.all()[:SHOWN] if may_import(request) else [],
        }
        return TemplateResponse(request, "admin/audiences/importrun/page.html", context)

    # ------------------------------------------------------------------ acts
    def confirm(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self._run(request, pk)
        try:
            runs.confirm(run)
        except Refused as refusal:
            messages.error(request, str(refusal))
        return _page_of(pk)

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        run = self._run(request, pk)
        if not runs.cancel(run):
            messages.info(request, _("It cannot be cancelled any more."))
        return _page_of(pk)

    def rejects(self, request: HttpRequest, pk: int) -> Any:
        run = self._run(request, pk)
        rows = run.rejects.values_list("row", "field", "reason", "outcome")
        header = ["row", "field", "reason", "outcome"]
        return csv_file(f"import-{pk}-rejects.csv", header, rows.iterator())

    def _run(self, request: HttpRequest, pk: int) -> ImportRun:
        if not may_import(request):
            raise PermissionDenied
        return get_object_or_404(ImportRun, pk=pk)


def _change(kind: str, scope: str) -> tuple[str, str]:
    return str(ConsentEvent.Kind(kind).label), str(Scope(scope).label)


def _page_of(pk: int) -> HttpResponse:
    return redirect("admin:audiences_importrun_change", pk)
