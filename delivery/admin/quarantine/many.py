"""Many addresses at once (Q6): released after an outage, lists in and out."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from audiences.admin.people.import_forms import UploadForm
from audiences.admin.people.imports import upload_page
from audiences.channels import Channel
from audiences.console import masking
from audiences.console.downloads import EXPORTERS, csv_file
from audiences.console.moments import DayInput
from audiences.console.numbers import grouped
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.imports.kinds import kinds
from audiences.moments import last_moment, midnight
from delivery import tasks
from delivery.models import QuarantineEntry
from delivery.quarantine import count_matching, files, release_matching
from delivery.roles import RELEASE

SOURCE = "operator"
SHOWN = 50
# More than this many are released in the background.
AT_ONCE = 5_000


class ReleaseForm(forms.Form):
    """The errors of an outage: their text, the days, and if need be the channel."""

    text = forms.CharField(
        label=_("Error text contains"),
        min_length=3,
        help_text=_("Letter case does not count."),
    )
    start = forms.DateField(label=_("First day"), widget=DayInput())
    end = forms.DateField(
        label=_("Last day"),
        widget=DayInput(),
        help_text=_("Both days are whole."),
    )
    channel = forms.ChoiceField(
        label=_("Channel"),
        required=False,
        choices=[("", _("All channels")), *Channel.choices],
    )

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if "\0" in text:
            raise forms.ValidationError(gettext("It contains a NUL character."))
        return text

    def clean(self) -> None:
        super().clean()
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start and end and start > end:
            self.add_error("end", gettext("The last day is before the first."))

    @property
    def arguments(self) -> dict[str, Any]:
        """What the writer is called with."""
        data = self.cleaned_data
        return {
            "text": data["text"],
            "start": midnight(data["start"]),
            "end": last_moment(data["end"]),
            "channel": data["channel"] or None,
        }


@page(
    QuarantineEntry,
    "release",
    "view",
    RELEASE,
    route="release/",
    title=_("Release many at once"),
)
def release(admin: PlainAdmin, request: HttpRequest) -> Answer:
    """First what would be released and what stays, then, when confirmed, doing it."""
    form = ReleaseForm(request.POST or None)
    facts: Facts = {"form": form}
    if request.method != "POST" or not form.is_valid():
        return facts
    count = count_matching(**form.arguments, most=AT_ONCE)
    if "confirmed" in request.POST:
        _do(request, form, in_background=count > AT_ONCE)
        return redirect("admin:delivery_quarantineentry_changelist")
    return facts | _preview(request, form, count)


def _preview(request: HttpRequest, form: ReleaseForm, count: int) -> Facts:
    if count > AT_ONCE:
        return {"is_preview": True, "too_many": grouped(AT_ONCE)}
    found = release_matching(**form.arguments, source=SOURCE, dry_run=True)
    return {
        "is_preview": True,
        "released": _as_seen(request, found.released),
        "kept": _as_seen(request, found.kept),
        "released_count": grouped(len(found.released)),
        "kept_count": grouped(len(found.kept)),
        "has_released": bool(found.released),
        "shown": SHOWN,
    }


def _as_seen(request: HttpRequest, found: list[tuple[str, str]]) -> list[Any]:
    """Some of the addresses, masked for those who may not see them."""
    return [
        (Channel(channel).label, masking.shown(request, channel, key))
        for channel, key in found[:SHOWN]
    ]


def _do(request: HttpRequest, form: ReleaseForm, *, in_background: bool) -> None:
    actor = request.user.get_username()
    if in_background:
        tasks.release_quarantine(**form.arguments, actor=actor)
        messages.info(
            request,
            gettext("They are being released in the background: it may take minutes."),
        )
        return
    done = release_matching(**form.arguments, source=SOURCE, actor=actor)
    text = ngettext(
        "{count} address was released.",
        "{count} addresses were released.",
        len(done.released),
    ).format(count=grouped(len(done.released)))
    if done.kept:
        text += " " + ngettext(
            "{count} stays: other errors or an operator hold it.",
            "{count} stay: other errors or an operator hold them.",
            len(done.kept),
        ).format(count=grouped(len(done.kept)))
    messages.success(request, text)


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
        return {"details": self.details("channel")}


@page(QuarantineEntry, "import", *kinds["quarantine"].permissions, route="import/")
def take_in(admin: PlainAdmin, request: HttpRequest) -> Answer:
    return upload_page(admin, request, ListForm)


@page(QuarantineEntry, "export", "view", *EXPORTERS, route="export.csv")
def give_out(admin: PlainAdmin, request: HttpRequest) -> Answer:
    """Every entry that is not valid, as a CSV file that an import reads again."""
    return csv_file("quarantine.csv", files.COLUMNS, files.export_rows())
