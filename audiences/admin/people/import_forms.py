"""Forms of imports: a file and how it is read, and what its columns mean."""

from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audiences.imports import run_columns, runs
from audiences.imports.columns import ANY_VALUE
from audiences.imports.kinds import kinds
from audiences.imports.people_choices import SCOPES
from audiences.imports.run_columns import LEFT_OUT, Choice, ColumnToChoose
from audiences.models import ImportRun, Service
from audiences.refusals import Refused

ENCODINGS = [
    ("", _("Found by itself")),
    ("cp1252", "Windows-1252"),
    ("cp1250", "Windows-1250"),
    ("cp850", "DOS (CP850)"),
    ("mac", "Mac Roman"),
    ("utf-8", "UTF-8"),
]


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
            "Text with commas, semicolons or tabs, or a spreadsheet (.xlsx, .xls, "
            ".ods); the first line names the columns. Nothing changes yet: you see "
            "first what would change."
        ),
    )
    encoding = forms.ChoiceField(label=_("Encoding"), choices=ENCODINGS, required=False)
    sheet = forms.CharField(
        label=_("Sheet"),
        required=False,
        max_length=100,
        help_text=_("Of a spreadsheet; without it, the first."),
    )

    def choices(self) -> dict[str, Any]:
        """What was chosen, as `runs.upload` takes it."""
        raise NotImplementedError

    def details(self, *names: str) -> dict[str, str]:
        """What was chosen of these, and how the file is read."""
        data = self.cleaned_data
        return {
            name: str(getattr(data[name], "slug", data[name]))
            for name in ("encoding", "sheet", *names)
            if data[name]
        }

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
    all_opted_out = forms.ChoiceField(
        label=_("Everybody in this file has opted out of"),
        choices=[("", "---------"), *SCOPES],
        required=False,
    )
    update_only = forms.BooleanField(
        label=_("Only change people who are known; add nobody"), required=False
    )
    allow_opt_in = forms.BooleanField(
        label=_("“No” in a no_longer_contact column opts people in"),
        required=False,
        help_text=_("Otherwise “no” leaves an opt-out as it is. Needs a note."),
    )
    note = Note()

    def choices(self) -> dict[str, Any]:
        chosen = {n: self.cleaned_data[n] for n in ("ignore_unknown", self.noted)}
        return chosen | {"details": self.details("all_opted_out", "update_only")}


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
        return {"details": self.details("service", "revive")}


class ColumnForm(forms.Form):
    """What one column of a file means, and with which of its values it says yes."""

    name = forms.ChoiceField(label=_("Meaning"), required=False)
    when = forms.MultipleChoiceField(
        label=_("Means opted out (or: does not work) when it says"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(
        self, *args: Any, column: ColumnToChoose, kind: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.column = column
        names = kinds[kind].importer.choices()
        first = [("", _("Choose …")), (LEFT_OUT, _("Leave it out"))]
        self.fields["name"].choices = [*first, *names]  # type: ignore[attr-defined]
        self.fields["name"].initial = column["guess"]
        if kind != "people" or not column["samples"]:
            del self.fields["when"]
            return
        values = [(value, value) for value in column["samples"]]
        any_value = [(ANY_VALUE, _("anything at all"))]
        self.fields["when"].choices = [*values, *any_value]  # type: ignore[attr-defined]
        self.fields["when"].initial = column["when"]

    def choice(self) -> Choice:
        chosen = self.cleaned_data.get("when", [])
        rest = [value for value in self.column["samples"] if value not in chosen]
        return {"name": self.cleaned_data["name"], "when": chosen, "unless": rest}


class ColumnsForm:
    """What the columns of an uploaded file mean, one form for each."""

    def __init__(self, run: ImportRun, data: Any = None) -> None:
        self.run = run
        self.error = ""
        self.columns = [
            ColumnForm(data, prefix=f"column-{n}", column=column, kind=run.kind)
            for n, column in enumerate(run_columns.to_choose(run))
        ]

    def save(self) -> bool:
        """Read the file so; false, with an error, when that is refused."""
        valid = [form.is_valid() for form in self.columns]
        if not all(valid):
            return False
        try:
            runs.give_meaning(self.run, [form.choice() for form in self.columns])
        except Refused as refusal:
            self.error = str(refusal)
            return False
        return True
