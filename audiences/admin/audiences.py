"""Audiences in the admin: everyone, subscribers, a condition, or a list."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy as _

from audiences import membership
from audiences.admin.condition_forms import BuilderForm, ConditionField, matching_of
from audiences.console.lists import estimated_rows
from audiences.console.numbers import grouped
from audiences.console.pages import PlainAdmin
from audiences.membership import counting
from audiences.models import Audience, Profile
from audiences.refusals import Refused
from audiences.signals import audience_changed, audience_to_be_changed


class AudienceForm(BuilderForm, forms.ModelForm[Any]):
    """An audience; a list is made from a file, by `create_delivery`.

    Once it is made its kind and service stay: they are then not in the form.
    """

    condition = ConditionField(label=_("Condition"), required=False)

    class Meta:
        model = Audience
        fields = ("name", "kind", "service", "condition")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            kind = self.fields["kind"]
            assert isinstance(kind, forms.ChoiceField)  # noqa: S101
            kind.choices = [
                (value, label)
                for value, label in Audience.Kind.choices
                if value != Audience.Kind.LIST
            ]
            kind.help_text = _(
                "A list of profiles is made from a file: "
                "manage.py create_delivery … --audience list:FILE."
            )

    def clean(self) -> None:
        super().clean()
        if "condition" in self.fields and "condition" not in self.errors:
            self._check_condition()
        if "kind" not in self.cleaned_data:
            return
        wants = self.cleaned_data["kind"] == Audience.Kind.SUBSCRIBERS
        if wants and not self.cleaned_data.get("service"):
            self.add_error(
                "service", _("Choose the service whose subscribers are meant.")
            )
        elif not wants and self.cleaned_data.get("service"):
            self.add_error("service", _("Only the audience of a service has one."))

    def _check_condition(self) -> None:
        tree = self.cleaned_data.get("condition")
        kind = self.cleaned_data.get("kind", self.instance.kind)
        if kind != Audience.Kind.CONDITION:
            if tree is not None:
                self.add_error("condition", _("Only the kind “condition” has one."))
            return
        if tree is None:
            self.add_error("condition", _("Give the condition that profiles meet."))
            return
        field = self.fields["condition"]
        if self.instance.pk and not field.has_changed(self.instance.condition, tree):
            # Said in another way it means the same: what was prepared stays good.
            self.cleaned_data["condition"] = self.instance.condition
            return
        try:
            membership.check_condition(self.cleaned_data.get("name", ""), tree)
        except Refused as error:
            self.add_error("condition", str(error))


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
        if change and form.changed_data:
            audience_changed.send(Audience, audience=obj, user=request.user)

    def refusal_to_change(self, request: HttpRequest, row: Audience) -> str:
        answers = audience_to_be_changed.send(Audience, audience=row, user=request.user)
        return next((text for _listener, text in answers if text), "")

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
        refused = any(not self.has_delete_permission(request, o) for o in objs)
        lacking = {str(self.opts.verbose_name)} if refused else set()
        return [str(o) for o in objs], {_("audiences"): len(objs)}, lacking, protected

    @admin.display(description=_("members"))
    def members(self, audience: Audience) -> str:
        if audience.kind == Audience.Kind.EVERYONE:
            count = estimated_rows(Profile)
            return gettext("everyone, about {count}").format(count=grouped(count))
        return counting.words(counting.of_audience(audience))
