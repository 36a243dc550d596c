"""Release many addresses at once (Q6): a provider's outage, with a preview first."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from audiences.channels import Channel
from audiences.console import masking
from audiences.console.lists import PlainAdmin, grouped
from audiences.moments import last_moment, midnight
from delivery import tasks
from delivery.models import QuarantineEntry
from delivery.quarantine import count_matching, release_matching
from delivery.roles import RELEASE

SOURCE = "operator"
SHOWN = 50
# More than so many are released in the background.
AT_ONCE = 5_000


class ReleaseForm(forms.Form):
    """The errors of an outage: their text, the days, and if need be the channel."""

    text = forms.CharField(
        label=gettext_lazy("Error text contains"),
        min_length=3,
        help_text=gettext_lazy("Letter case does not count."),
    )
    start = forms.DateField(
        label=gettext_lazy("First day"), widget=forms.DateInput({"type": "date"})
    )
    end = forms.DateField(
        label=gettext_lazy("Last day"),
        widget=forms.DateInput({"type": "date"}),
        help_text=gettext_lazy("Both days are whole."),
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"),
        required=False,
        choices=[("", gettext_lazy("All channels")), *Channel.choices],
    )

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if "\0" in text:
            raise forms.ValidationError(_("It contains a NUL character."))
        return text

    def clean(self) -> None:
        super().clean()
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start and end and start > end:
            self.add_error("end", _("The last day is before the first."))

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


def release(admin: PlainAdmin) -> Any:
    """First what would be released and what stays, then, when confirmed, doing it."""

    def view(request: HttpRequest) -> HttpResponse:
        may_see = admin.has_view_permission(request)
        if not (may_see and request.user.has_perm(RELEASE)):
            raise PermissionDenied
        form = ReleaseForm(request.POST or None)
        context = admin.admin_site.each_context(request) | {
            "opts": QuarantineEntry._meta,
            "media": admin.media,
            "title": _("Release many at once"),
            "form": form,
        }
        if request.method == "POST" and form.is_valid():
            count = count_matching(**form.arguments, most=AT_ONCE)
            if "confirmed" in request.POST:
                _do(request, form, in_background=count > AT_ONCE)
                return redirect("admin:delivery_quarantineentry_changelist")
            context |= _preview(request, form, count)
        template = "admin/delivery/quarantineentry/release.html"
        return TemplateResponse(request, template, context)

    return view


def _preview(request: HttpRequest, form: ReleaseForm, count: int) -> dict[str, Any]:
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
            _("They are being released in the background: it may take minutes."),
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


PAGES: dict[str, tuple[str, Callable[[PlainAdmin], Any]]] = {
    "release": ("release/", release),
}
