"""Forms of operators that upload a file to import, one for each kind."""

from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audiences.imports import runs
from audiences.models import ImportRun, Service
from audiences.refusals import Refused


class UploadForm(forms.Form):
    """A file, and how it is to be read."""

    kind: ClassVar[str]
    title: ClassVar[str | Promise]
    lead: ClassVar[str | Promise] = ""
    columns: ClassVar[tuple[str, ...]] = ()
    # The choice that needs a note.
    noted: ClassVar[str] = ""

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "Comma, semicolon or tab; the first line names the columns. Nothing "
            "changes yet: you see first what would change."
        ),
    )

    def choices(self) -> dict[str, Any]:
        """What was chosen, as `runs.upload` takes it."""
        raise NotImplementedError

    def upload(self, *, actor: str) -> ImportRun | None:
        """Keep the file and begin to check it; None when it is refused."""
        data = self.cleaned_data
        try:
            return runs.upload(
                data["file"].name,
                data["file"].chunks(),
                kind=self.kind,
                actor=actor,
                note=data.get("note", ""),
                **self.choices(),
            )
        except Refused as refusal:
            about_note = data.get(self.noted) and not data["note"].strip()
            self.add_error("note" if about_note else "file", str(refusal))
            return None


class Note(forms.CharField):
    widget = forms.Textarea(attrs={"rows": 2})

    def __init__(self) -> None:
        super().__init__(
            label=_("Note"),
            required=False,
            help_text=_("How the people asked for it. Kept in the history of each."),
        )


class PeopleForm(UploadForm):
    kind = "people"
    title = _("Import people")
    noted = "allow_opt_in"

    ignore_unknown = forms.BooleanField(
        label=_("Leave out columns whose name is not known"), required=False
    )
    allow_opt_in = forms.BooleanField(
        label=_("“No” in a no_longer_contact column opts people in"),
        required=False,
        help_text=_("Otherwise “no” leaves an opt-out as it is. Needs a note."),
    )
    note = Note()

    def choices(self) -> dict[str, Any]:
        return {
            name: self.cleaned_data[name] for name in ("ignore_unknown", self.noted)
        }


class SubscriptionsForm(UploadForm):
    kind = "subscriptions"
    title = _("Import subscriptions")
    lead = _("Each row subscribes a person to a service, or ends it. Columns:")
    columns = ("profile", "service", "action", "date")
    noted = "revive"

    service = forms.ModelChoiceField[Service](
        label=_("Service"),
        queryset=Service.objects.all(),
        to_field_name="slug",
        required=False,
        empty_label=_("As the file says"),
    )
    revive = forms.BooleanField(
        label=_("Subscribe also those who have unsubscribed"),
        required=False,
        help_text=_("Otherwise their rows are rejected. Needs a note."),
    )
    note = Note()

    def choices(self) -> dict[str, Any]:
        service, revive = (self.cleaned_data[name] for name in ("service", "revive"))
        details = {"service": service.slug} if service else {}
        return {"details": details | ({"revive": "yes"} if revive else {})}
