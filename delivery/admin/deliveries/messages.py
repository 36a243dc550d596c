"""Logs of deliveries in the admin: their runs, and what was handed over, for ever."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audiences.console.lists import Masked, OfProfiles, ReadOnlyLog
from delivery.models import Analysis, Message


@admin.register(Message)
class MessageAdmin(Masked, OfProfiles, ReadOnlyLog):
    addresses_in = ("address",)
    list_display = ("sent_at", "number", "delivery", "person", "channel", "address")
    list_filter = ("channel",)
    list_select_related = ("delivery",)
    fields = (
        *("number", "sent_at", "delivery", "person", "channel", "address"),
        *("message_id", "provider_id"),
    )
    readonly_fields = ("number", "person")

    def heading(self, request: HttpRequest, row: Message) -> str:
        return f"{row.delivery}: {super().heading(request, row)}"

    @admin.display(description=_("number"))
    def number(self, message: Message) -> int:
        return message.pk


def link_to_message(message: Message | None) -> str | SafeString:
    """A link that does not say the address, as a message's own name does."""
    if message is None:
        return ""
    url = reverse("admin:delivery_message_change", args=[message.pk])
    return format_html('<a href="{}">{} #{}</a>', url, message.delivery, message.pk)


@admin.register(Analysis)
class AnalysisAdmin(ReadOnlyLog):
    list_display = (
        *("delivery", "state", "targeted", "to_deliver", "excluded"),
        *("seconds", "started_at", "finished_at"),
    )
    list_filter = ("state",)
    list_select_related = ("delivery",)
    search_fields = ("delivery__label",)
    fields = (
        *("delivery", "state", "error", "targeted", "to_deliver", "excluded"),
        *("counts", "warnings", "findings", "definition", "at", "done"),
        *("host", "process", "seconds", "started_at", "finished_at"),
    )
    readonly_fields = ("targeted", "to_deliver", "excluded", "done")
