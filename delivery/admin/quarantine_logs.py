"""The evidence of the quarantine in the admin: errors and actions; read-only."""

from django.contrib import admin

from audiences.admin.lists import OfAddresses, ReadOnlyLog
from delivery.models import AddressError, QuarantineAction


@admin.register(AddressError)
class AddressErrorAdmin(OfAddresses, ReadOnlyLog):
    texts_in = ("text",)
    list_display = ("at", "key", "channel", "type", "reason", "text", "source")
    list_filter = ("channel", "type", "reason")
    list_select_related = ("message__delivery",)


@admin.register(QuarantineAction)
class QuarantineActionAdmin(OfAddresses, ReadOnlyLog):
    texts_in = ("text",)
    list_display = ("at", "key", "channel", "kind", "status", "reason", "actor", "text")
    list_filter = ("channel", "kind", "status")
    # The order of the history's index would need the key: newest rows by their id.
    ordering = ("-id",)
