"""The evidence of the quarantine in the admin: errors and actions; read-only."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audiences.console.lists import OfAddresses, ReadOnlyLog
from delivery.admin.deliveries.messages import link_to_message
from delivery.models import AddressError, QuarantineAction


@admin.register(AddressError)
class AddressErrorAdmin(OfAddresses, ReadOnlyLog):
    texts_in = ("text",)
    list_display = ("at", "key", "channel", "type", "reason", "text", "source")
    list_filter = ("channel", "type", "reason")
    list_select_related = ("message__delivery",)
    fields = (
        *("at", "channel", "key", "message_link", "type", "reason", "text"),
        *("source", "event_id"),
    )
    readonly_fields = ("message_link",)

    @admin.display(description=_("message"))
    def message_link(self, error: AddressError) -> str | SafeString:
        return link_to_message(error.message)


@admin.register(QuarantineAction)
class QuarantineActionAdmin(OfAddresses, ReadOnlyLog):
    texts_in = ("text",)
    list_display = ("at", "key", "channel", "kind", "status", "reason", "actor", "text")
    list_filter = ("channel", "kind", "status")
    # The order of the history's index would need the key: newest rows by their id.
    ordering = ("-id",)
