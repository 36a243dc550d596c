"""The form of a delivery: what it is, and whom it is for."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.utils.translation import gettext_lazy as _

from audiences import membership
from audiences.files.cleaning import says_something
from delivery.models import Delivery
from delivery.rules import skips_denylist

from . import meanwhile


class DeliveryForm(forms.ModelForm[Any]):
    """A delivery whose service, if any, is on the same channel.

    A purpose that reaches opted-out people needs a permission and a note (D6), whoever
    chose it.
    """

    may_skip_denylist = False

    class Meta:
        model = Delivery
        fields = (
            *("label", "channel", "audience", "service", "purpose", "purpose_note"),
            *("contact_date", "tags"),
        )
        widgets = {
            "purpose_note": AdminTextareaWidget({"rows": 2}),
            "tags": forms.CheckboxSelectMultiple,
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if field := self.fields.get("audience"):
            field.required = False
            field.help_text = _(
                "Empty, where a service is chosen: all subscribers of the service."
            )

    def clean(self) -> None:
        super().clean()
        if self.instance.pk and self.data.get("seen"):
            self._compare()
        service = self.cleaned_data.get("service")
        if service and service.channel != self.cleaned_data.get("channel"):
            message = _("This service is on the channel {channel}: choose the same.")
            self.add_error(
                "service", message.format(channel=service.get_channel_display())
            )
        self._check_purpose()
        self._check_audience()

    def _check_audience(self) -> None:
        """Whoever names a service alone means its subscribers."""
        if "audience" not in self.fields or self.cleaned_data.get("audience"):
            return
        service = self.cleaned_data.get("service")
        if service is None:
            message = _("Choose an audience, or a service for its subscribers.")
            self.add_error("audience", message)
        elif not self.errors:  # a refused form leaves no audience behind
            self.cleaned_data["audience"] = membership.subscribers(service)

    def _compare(self) -> None:
        """Whether somebody saved it since the form was shown; held until the end."""
        rows = Delivery.objects.select_for_update(of=("self",))
        saved = rows.get(pk=self.instance.pk)
        if meanwhile.mark_of_form(saved) == self.data["seen"]:
            return
        self.add_error(None, meanwhile.said(saved))
        for name in self.changed_data:
            if name in self.cleaned_data and name != "contact_date":
                shown = getattr(saved, f"get_{name}_display", None)
                now = shown() if shown else getattr(saved, name)
                text = _("Saved meanwhile: {value}")
                self.add_error(name, text.format(value=now or _("empty")))

    def _check_purpose(self) -> None:
        purpose = self.cleaned_data.get("purpose")
        if not purpose or not skips_denylist(purpose):
            return
        if not self.may_skip_denylist:
            self.add_error(
                "purpose", _("You may not make deliveries that reach opted-out people.")
            )
        if not says_something(self.cleaned_data.get("purpose_note", "")):
            self.add_error(
                "purpose_note",
                _("This purpose reaches opted-out people too: say why."),
            )
