"""Audiences in the admin: everyone, subscribers, a condition, or a list."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy as _

from audiences import membership
from audiences.admin.audiences.builders import matching_of
from audiences.console.lists import estimated_rows
from audiences.console.numbers import grouped
from audiences.console.pages import PlainAdmin
from audiences.membership import counting
from audiences.models import Audience, Profile

from .forms import AudienceForm


@admin.register(Audience)
class AudienceAdmin(PlainAdmin):
    """Deliveries depend on who is meant: kind and service stay as they are made.

    When a condition changes, what was prepared for it says that it is out of date.
    """

    form = AudienceForm
    change_form_template = "admin/audiences/audience/change_form.html"
    add_form_template = change_form_template
    list_display = ("name", "kind", "service", "created_at")
    list_filter = ("kind",)
    list_select_related = ("service",)
    search_fields = ("name",)

    def get_fields(self, request: HttpRequest, obj: Audience | None = None) -> Any:
        fields = ("name", "kind", "service", "condition")
        if obj is None:
            return fields
        # What a condition means now is counted below it, once.
        counted = () if obj.kind == Audience.Kind.CONDITION else ("members",)
        return (*fields, *counted, "created_at")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Audience | None = None
    ) -> tuple[str, ...]:
        fixed: tuple[str, ...] = ("kind", "service", "members", "created_at")
        if obj and obj.kind != Audience.Kind.CONDITION:
            fixed += ("condition",)
        return fixed if obj else ()

    def save_model(
        self, request: HttpRequest, obj: Audience, form: Any, change: bool
    ) -> None:
        if change and "condition" in form.changed_data:
            membership.change_condition(obj, form.cleaned_data["condition"])
        super().save_model(request, obj, form, change)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        form = context["adminform"].form
        context["has_builder"] = "condition" in form.fields
        context["matching"] = matching_of(request, form)
        return super().render_change_form(request, context, *args, **kwargs)

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
        return counting.words(counting.of_audience(audience))
