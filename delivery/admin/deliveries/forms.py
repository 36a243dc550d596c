"""Forms of operators: a delivery, and the status of an address."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from audiences import addresses
from audiences.models import AddressStatus
from delivery.models import Delivery, QuarantineEntry
from delivery.models.quarantine import ErrorReason
from delivery.rules import skips_denylist

_STOPPED = (AddressStatus.QUARANTINE, AddressStatus.DENYLISTED)


class DeliveryForm(forms.ModelForm[Any]):
    """A delivery whose service, if any, is on the same channel.

    A purpose that reaches opted-out people needs a permission and a note (D6).
    """

    may_skip_denylist = False

    class Meta:
        model = Delivery
        fields = (
            *("label", "channel", "audience", "service", "purpose", "purpose_note"),
            *("typology", "contact_date", "subject", "content"),
        )

    def clean(self) -> None:
        super().clean()
        service = self.cleaned_data.get("service")
        if service and service.channel != self.cleaned_data.get("channel"):
            message = _("This service is on the channel {channel}: choose the same.")
            self.add_error(
                "service", message.format(channel=service.get_channel_display())
            )
        self._check_purpose()

    def _check_purpose(self) -> None:
        purpose = self.cleaned_data.get("purpose")
        if not purpose or not skips_denylist(purpose):
            return
        if "purpose" in self.changed_data and not self.may_skip_denylist:
            self.add_error(
                "purpose", _("You may not make deliveries that reach opted-out people.")
            )
        if not self.cleaned_data.get("purpose_note", "").strip():
            self.add_error(
                "purpose_note",
                _("This purpose reaches opted-out people too: say why."),
            )


class EntryForm(forms.ModelForm[Any]):
    """What an operator decides about an address: its status, why, and a note."""

    reason = forms.ChoiceField(label=_("Reason"), choices=ErrorReason.choices)
    note = forms.CharField(
        label=_("Note"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Kept with the action."),
    )

    # Set for each request by what the operator may do.
    may_release = True

    class Meta:
        model = QuarantineEntry
        fields = ("status", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.initial.get("reason"):
            self.initial["reason"] = ErrorReason.OPERATOR.value
        for name, field in self.fields.items():
            field.show_hidden_initial = name in ("status", "reason")

    def clean_status(self) -> str:
        """Only who may release makes an address reachable that was not."""
        status = str(self.cleaned_data["status"])
        was = self.initial.get("status", "")
        if not self.may_release and was in _STOPPED and status not in _STOPPED:
            raise forms.ValidationError(_("You may not release addresses."))
        return status

    def decided(self, name: str) -> str:
        """What the operator chose; else what is so now, whatever the page showed."""
        chosen = name in self.changed_data or not self.instance.pk
        return str(self.cleaned_data[name] if chosen else self.initial[name])


class NewEntryForm(EntryForm):
    """An address to put into quarantine, whether or not any profile has it (Q1)."""

    address = forms.CharField(label=_("Address"))

    class Meta(EntryForm.Meta):
        fields = ("channel", "status", "reason")  # type: ignore[assignment]

    def clean(self) -> None:
        super().clean()
        channel = self.cleaned_data.get("channel")
        text = self.cleaned_data.get("address")
        if not channel or not text:
            return
        try:
            key = addresses.normalise(channel, text).key
        except addresses.InvalidAddress as error:
            self.add_error("address", str(error))
            return
        if QuarantineEntry.objects.filter(channel=channel, key=key).exists():
            message = _("{address} is in the list already: change its entry.")
            self.add_error("address", message.format(address=key))
