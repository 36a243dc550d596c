"""Messages in the admin: what was handed over, for ever."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from audiences.admin.lists import OfProfiles, ReadOnlyLog
from delivery.models import Message


@admin.register(Message)
class MessageAdmin(OfProfiles, ReadOnlyLog):
    list_display = ("sent_at", "number", "delivery", "person", "channel", "address")
    list_filter = ("channel",)
    list_select_related = ("delivery",)
    fields = (
        *("number", "sent_at", "delivery", "person", "channel", "address"),
        *("message_id", "provider_id"),
    )
    readonly_fields = ("number", "person")

    @admin.display(description=_("number"))
    def number(self, message: Message) -> int:
        return message.pk
