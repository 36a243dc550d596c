"""The evidence of the quarantine in the admin: errors and actions; read-only."""

from typing import Any

from django.contrib import admin
from django.db.models import Model

from audiences.admin.lists import OfAddresses, ReadOnlyLog
from delivery.models import AddressError, QuarantineAction, QuarantineEntry

SHOWN = 100


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


def of_entry(model: type[Model], entry: QuarantineEntry) -> list[Any]:
    """The newest errors, or actions, of an entry's address."""
    rows = model._default_manager.filter(channel=entry.channel, key=entry.key)
    return list(rows[:SHOWN])
