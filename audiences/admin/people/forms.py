"""Forms of operators: an address, a subscription, a bulk change, a file to import."""

from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audiences import addresses
from audiences.channels import Channel, Scope
from audiences.imports import runs
from audiences.models import Address, BulkAct, ImportRun, Profile, Service
from audiences.refusals import Refused
from audiences.selections import bulk_acts


class NewAddressForm(forms.Form):
    """An address to give to a profile."""

    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices)
    address = forms.CharField(label=_("Address"), strip=True)
    primary = forms.BooleanField(
        label=_("Primary: deliveries go to it"), required=False
    )

    def save(self, profile: Profile) -> Address | None:
        """Attach the address; None, with an error at the field, when it is refused."""
        data = self.cleaned_data
        try:
            return addresses.attach(
                profile, data["channel"], data["address"], primary=data["primary"]
            )
        except addresses.InvalidAddress as error:
            self.add_error("address", str(error))
            return None


class SubscriptionForm(forms.Form):
    """A service to subscribe a profile to."""

    service = forms.ModelChoiceField[Service](
        label=_("Service"), queryset=Service.objects.all()
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        help_text=_("How the person asked for it. Needed to subscribe somebody again."),
    )


class BulkActForm(forms.Form):
    """What a change of many people must be told besides whom it is about."""

    # None is chosen beforehand: "any channel" must not be confirmed by oversight.
    scope = forms.ChoiceField(
        label=_("Channel"), choices=[("", "---------"), *Scope.choices]
    )
    service = forms.ModelChoiceField[Service](
        label=_("Service"), queryset=Service.objects.all(), to_field_name="slug"
    )
    note = forms.CharField(
        label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, act: bulk_acts.Act, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.act = act
        for name in ("scope", "service"):
            if name not in act.asks:
                del self.fields[name]
        self.fields["note"].required = act.needs_note
        self.fields["note"].help_text = (
            _("How the people asked for it. Kept in the history of each.")
            if act.needs_note
            else _("Kept in the history of each.")
        )

    def begin(self, chosen: dict[str, str], *, actor: str) -> BulkAct | None:
        """Begin the change; None, with an error, when it is refused."""
        details = {
            name: str(getattr(value, "slug", value))
            for name, value in self.cleaned_data.items()
            if name != "note"
        }
        try:
            return bulk_acts.begin(
                self.act.code,
                chosen,
                actor=actor,
                note=self.cleaned_data["note"],
                details=details,
            )
        except Refused as refusal:
            self.add_error(None, str(refusal))
            return None


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
