"""Audiences in the admin: everyone, subscribers, a condition, or a list."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audiences import membership
from audiences.forms import AudienceForm
from audiences.models import Audience, Profile

from .lists import PlainAdmin, estimated_rows, grouped


@admin.register(Audience)
class AudienceAdmin(PlainAdmin):
    """Deliveries depend on who is meant: after creation only the name changes."""

    form = AudienceForm
    list_display = ("name", "kind", "service", "created_at")
    list_filter = ("kind",)
    list_select_related = ("service",)
    search_fields = ("name",)

    def get_fields(self, request: HttpRequest, obj: Audience | None = None) -> Any:
        fields = ("name", "kind", "service", "condition")
        return (*fields, "members", "created_at") if obj else fields

    def get_readonly_fields(
        self, request: HttpRequest, obj: Audience | None = None
    ) -> tuple[str, ...]:
        fixed = ("kind", "service", "condition", "members", "created_at")
        return fixed if obj else ()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A list goes with its members, who are many: they are not listed."""
        protected = [
            f"{audience}: {delivery}"
            for audience in objs
            for delivery in audience.delivery_set.all()[:10]
        ]
        return [str(o) for o in objs], {_("audiences"): len(objs)}, set(), protected

    @admin.display(description=_("members"))
    def members(self, audience: Audience) -> str:
        if audience.kind == Audience.Kind.EVERYONE:
            count = estimated_rows(Profile)
            return gettext("everyone, about {count}").format(count=grouped(count))
        return grouped(membership.ids(audience, timezone.now()).count())
