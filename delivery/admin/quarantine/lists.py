"""Lists of quarantined addresses from the browser and to it (Q6)."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext_lazy as _

from audiences.admin.people.import_forms import UploadForm
from audiences.admin.people.imports import upload_page
from audiences.channels import Channel
from audiences.console import masking
from audiences.console.downloads import csv_file
from audiences.console.lists import PlainAdmin
from audiences.roles import EXPORT
from delivery.quarantine import files


class ListForm(UploadForm):
    """A file with addresses, and the channel when the file does not say it."""

    kind = "quarantine"
    title = _("Import a list")
    lead = _("A list from another system. A file never lowers a status. Columns:")
    columns = files.COLUMNS

    channel = forms.ChoiceField(
        label=_("Channel"),
        required=False,
        choices=[("", _("As the file says")), *Channel.choices],
    )

    def choices(self) -> dict[str, Any]:
        return {"details": {"channel": self.cleaned_data["channel"]}}


def take_in(admin: PlainAdmin) -> Any:
    def view(request: HttpRequest) -> HttpResponse:
        return upload_page(admin, request, ListForm)

    return view


def may_export(request: HttpRequest) -> bool:
    """A file of addresses is for those who may take addresses out."""
    return request.user.has_perm(EXPORT) and masking.may_see_addresses(request)


def give_out(admin: PlainAdmin) -> Any:
    """Every entry that is not valid, as a CSV file that an import reads again."""

    def view(request: HttpRequest) -> StreamingHttpResponse:
        if not (admin.has_view_permission(request) and may_export(request)):
            raise PermissionDenied
        return csv_file("quarantine.csv", files.COLUMNS, files.export_rows())

    return view


PAGES: dict[str, tuple[str, Callable[[PlainAdmin], Any]]] = {
    "import": ("import/", take_in),
    "export": ("export.csv", give_out),
}
