"""Lists of quarantined addresses from the browser and to it (Q6)."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from audiences.admin.people.forms import UploadForm
from audiences.admin.people.imports import upload_page
from audiences.channels import Channel
from audiences.console.downloads import EXPORTERS, csv_file
from audiences.console.pages import Answer, PlainAdmin, page
from delivery.models import QuarantineEntry
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


@page(QuarantineEntry, "import", route="import/")
def take_in(admin: PlainAdmin, request: HttpRequest) -> Answer:
    return upload_page(admin, request, ListForm)


@page(QuarantineEntry, "export", "view", *EXPORTERS, route="export.csv")
def give_out(admin: PlainAdmin, request: HttpRequest) -> Answer:
    """Every entry that is not valid, as a CSV file that an import reads again."""
    return csv_file("quarantine.csv", files.COLUMNS, files.export_rows())
