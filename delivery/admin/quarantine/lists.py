"""Lists of quarantined addresses from the browser and to it (Q6), with a preview."""

import csv
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _, gettext_lazy

from audiences.channels import Channel
from audiences.console import masking
from audiences.console.numbers import grouped
from audiences.console.pages import PlainAdmin
from audiences.files import open_file, safe_cells
from audiences.refusals import Refused
from audiences.roles import EXPORT
from delivery.models import QuarantineEntry
from delivery.quarantine import files
from delivery.quarantine.files import Result

SHOWN = 50
# What the page of the preview carries to the confirmation; larger: the command.
LARGEST = 1_000_000
SALT = "delivery.quarantine_lists"
HOUR = 3600


class ListForm(forms.Form):
    """A file with addresses, and the channel when the file does not say it."""

    file = forms.FileField(label=gettext_lazy("File (CSV)"))
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"),
        required=False,
        choices=[("", gettext_lazy("As the file says")), *Channel.choices],
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise forms.ValidationError(
                _("It is larger than 1 MB: use manage.py import_quarantine.")
            )
        return file


def take_in(admin: PlainAdmin) -> Any:
    """What a list would change, then, when confirmed, changing it."""

    def view(request: HttpRequest) -> HttpResponse:
        if not admin.has_add_permission(request):
            raise PermissionDenied
        context = admin.admin_site.each_context(request) | {
            "opts": QuarantineEntry._meta,
            "media": admin.media,
            "title": _("Import a list"),
            "columns": files.COLUMNS,
        }
        form = ListForm(
            request.POST if "confirmed" not in request.POST and request.POST else None,
            request.FILES or None,
        )
        context["form"] = form
        if "confirmed" in request.POST:
            return _confirmed(request)
        if request.method == "POST" and form.is_valid():
            raw = form.cleaned_data["file"].read()
            channel = form.cleaned_data["channel"]
            try:
                result = _import(raw, channel, request, dry_run=True)
            except Refused as refused:
                form.add_error("file", str(refused))
            else:
                context |= _preview(result) | {
                    "token": signing.dumps(
                        [raw.decode("latin-1"), channel], salt=SALT, compress=True
                    )
                }
        template = "admin/delivery/quarantineentry/import.html"
        return TemplateResponse(request, template, context)

    return view


def _confirmed(request: HttpRequest) -> HttpResponse:
    back = redirect("admin:delivery_quarantineentry_changelist")
    try:
        text, channel = signing.loads(
            request.POST.get("token", ""), salt=SALT, max_age=HOUR
        )
    except signing.BadSignature:
        messages.error(request, _("The preview is too old: choose the file again."))
        return redirect("admin:delivery_quarantineentry_import")
    try:
        done = _import(text.encode("latin-1"), channel, request, dry_run=False)
    except Refused as refused:
        messages.error(request, str(refused))
        return back
    text = _("{changed} changed, {unchanged} unchanged, {rejected} rejected.")
    numbers = {
        "changed": grouped(done.changed),
        "unchanged": grouped(done.unchanged),
        "rejected": grouped(len(done.rejects)),
    }
    messages.success(request, text.format(**numbers))
    return back


def _import(raw: bytes, channel: str, request: HttpRequest, *, dry_run: bool) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_bytes(raw)
        return files.import_file(
            open_file(path),
            channel=channel or None,
            source="import",
            actor=request.user.get_username(),
            dry_run=dry_run,
        )


def _preview(result: Result) -> dict[str, Any]:
    return {
        "is_preview": True,
        "changed": grouped(result.changed),
        "unchanged": grouped(result.unchanged),
        "rejected": grouped(len(result.rejects)),
        "rejects": result.rejects[:SHOWN],
        "has_changes": bool(result.changed),
        "shown": SHOWN,
    }


class _Line:
    """A file for the csv writer that hands back each line."""

    def write(self, text: str) -> str:
        return text


def may_export(request: HttpRequest) -> bool:
    """A file of addresses is for those who may take addresses out."""
    return request.user.has_perm(EXPORT) and masking.may_see_addresses(request)


def give_out(admin: PlainAdmin) -> Any:
    """Every entry that is not valid, as a CSV file that an import reads again."""

    def view(request: HttpRequest) -> StreamingHttpResponse:
        if not (admin.has_view_permission(request) and may_export(request)):
            raise PermissionDenied
        response = StreamingHttpResponse(
            _lines(), content_type="text/csv; charset=utf-8"
        )
        response["Content-Disposition"] = 'attachment; filename="quarantine.csv"'
        return response

    return view


def _lines() -> Iterator[str]:
    writer = csv.writer(_Line())
    yield str(writer.writerow(files.COLUMNS))
    for row in files.export_rows():
        yield str(writer.writerow(safe_cells(row)))


PAGES: dict[str, tuple[str, Callable[[PlainAdmin], Any]]] = {
    "import": ("import/", take_in),
    "export": ("export.csv", give_out),
}
