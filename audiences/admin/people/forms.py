"""Forms of operators: an address, a subscription, a bulk change."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from audiences import addresses
from audiences.channels import Channel, Scope
from audiences.console import errors
from audiences.models import Address, BulkAct, Profile, Service
from audiences.models.tags import LONGEST_TAG
from audiences.refusals import Refused
from audiences.selections import bulk_acts
from audiences.selections.acts import Act


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
    tag = forms.CharField(label=_("Tag"), max_length=LONGEST_TAG)
    note = forms.CharField(
        label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, act: Act, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.act = act
        for name in ("scope", "service", "tag"):
            if name not in act.asks:
                del self.fields[name]
        if "tag" in act.asks:
            # No event of consent keeps one.
            del self.fields["note"]
            return
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
                note=self.cleaned_data.get("note", ""),
                details=details,
            )
        except Refused as refusal:
            errors.refuse(self, None, refusal)
            return None
