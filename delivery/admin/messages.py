"""Messages in the admin: what was handed over, for ever."""

from django.contrib import admin
from django.http import HttpRequest

from audiences.admin.lists import Masked, OfProfiles, ReadOnlyLog
from delivery.models import Message


@admin.register(Message)
class MessageAdmin(Masked, OfProfiles, ReadOnlyLog):
    addresses_in = ("address",)
    list_display = ("sent_at", "delivery", "person", "channel", "address")
    list_filter = ("channel",)
    list_select_related = ("delivery",)
    fields = ("sent_at", "delivery", "person", "channel", "address")
    readonly_fields = ("person",)

    def heading(self, request: HttpRequest, row: Message) -> str:
        return f"{row.delivery}: {super().heading(request, row)}"
