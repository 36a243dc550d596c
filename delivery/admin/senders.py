"""Senders and seeds in the console: whom deliveries may be from, who gets a copy."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from audiences import addresses
from audiences.console.pages import PlainAdmin
from delivery.models import Delivery, Seed, Sender


@admin.register(Sender)
class SenderAdmin(PlainAdmin):
    """One that a delivery has is switched off, not deleted."""

    list_display = ("name", "address", "reply_to", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "address")
    search_help_text = _("A name or an address.")
    fields = ("name", "address", "reply_to", "is_active")

    def has_delete_permission(
        self, request: HttpRequest, obj: Sender | None = None
    ) -> bool:
        used = obj is not None and Delivery.objects.filter(sender=obj).exists()
        return not used and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        # The one that deletes many would stop at those that are used.
        return {}


class SeedForm(forms.ModelForm[Seed]):
    """A seed whose address is one of its channel, as it is compared."""

    class Meta:
        model = Seed
        fields = ("name", "channel", "address", "is_active")
        widgets = {"address": forms.TextInput({"class": "vTextField"})}

    def clean(self) -> None:
        super().clean()
        channel = self.cleaned_data.get("channel")
        text = self.cleaned_data.get("address", "")
        if not channel or not text:
            return
        try:
            self.cleaned_data["address"] = addresses.normalise(channel, text).value
        except addresses.InvalidAddress as error:
            self.add_error("address", str(error.sentence))


@admin.register(Seed)
class SeedAdmin(PlainAdmin):
    """Addresses of our own that get a copy of each delivery."""

    form = SeedForm
    list_display = ("name", "channel", "address", "is_active")
    list_filter = ("channel", "is_active")
    search_fields = ("name",)
    search_help_text = _("A part of the name.")
