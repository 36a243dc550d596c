"""Typologies and rules in the admin: to read; commands make and change them."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from audiences.admin.lists import ReadOnlyLog
from delivery.models import Typology, TypologyRule, TypologyRuleUse

if TYPE_CHECKING:
    Inline = admin.TabularInline[Any, Any]
else:
    Inline = admin.TabularInline


@admin.register(TypologyRule)
class TypologyRuleAdmin(ReadOnlyLog):
    list_display = ("label", "code", "kind", "is_active")
    list_filter = ("kind", "is_active")
    search_fields = ("label", "code")
    ordering = ("id",)


class RulesInline(Inline):
    """The rules of a typology in the order in which they decide."""

    model = TypologyRuleUse
    fields = ("position", "rule")
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("delivery.view_typology")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("rule", "typology")


@admin.register(Typology)
class TypologyAdmin(ReadOnlyLog):
    list_display = ("label", "slug", "is_default")
    search_fields = ("label", "slug")
    ordering = ("slug",)
    inlines = (RulesInline,)
