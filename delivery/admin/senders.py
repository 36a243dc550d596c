"""Senders in the console: whom deliveries may be from."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from audiences.console.pages import PlainAdmin
from delivery.models import Delivery, Sender


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
