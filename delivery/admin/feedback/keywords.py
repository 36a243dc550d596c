"""Keywords of text messages in the admin: operators add, change and switch off (F4)."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from audiences.console.pages import PlainAdmin
from delivery.models import Keyword


@admin.register(Keyword)
class KeywordAdmin(PlainAdmin):
    """One that came with Campaign is switched off, not deleted: it would come back."""

    list_display = (
        *("keyword", "language", "action", "short_code", "regions"),
        *("reply", "is_active"),
    )
    list_filter = ("action", "language", "is_active")
    search_fields = ("keyword", "reply")
    search_help_text = _("A keyword, or words of a reply.")
    fields = (
        *("keyword", "language", "action", "reply"),
        *("short_code", "regions", "is_active"),
    )
    list_per_page = 100

    def get_readonly_fields(
        self, request: HttpRequest, obj: Keyword | None = None
    ) -> tuple[str, ...]:
        return ("keyword", "language") if obj and obj.is_built_in else ()

    def has_delete_permission(
        self, request: HttpRequest, obj: Keyword | None = None
    ) -> bool:
        own = obj is None or not obj.is_built_in
        return own and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        # The one that deletes many would take built-in ones along.
        return {}
