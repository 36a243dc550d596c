"""Audiences in the admin: everyone, subscribers, a condition, or a list."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy as _

from audiences import membership, tags
from audiences.admin.condition_forms import (
    BuilderForm,
    ConditionField,
    matching_of,
    reach_in_words,
)
from audiences.console import errors
from audiences.console.lists import estimated_rows
from audiences.console.numbers import grouped
from audiences.console.pages import PlainAdmin
from audiences.imports.kinds import kinds
from audiences.membership import counting
from audiences.models import Audience, Profile, Tag
from audiences.refusals import Refused
from audiences.registry import Registry
from audiences.signals import audience_changed, audience_to_be_changed


class AudienceForm(BuilderForm, forms.ModelForm[Any]):
    """An audience; a list is made from a file, by `create_delivery`.

    Once it is made its kind and service stay: they are then not in the form.
    """

    condition = ConditionField(label=_("Condition"), required=False)
    tag_names = forms.CharField(
        label=_("Tags"),
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=_("With ; between them. A new word makes a new tag."),
    )

    class Meta:
        model = Audience
        fields = ("name", "kind", "service", "condition")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            held = self.instance.tags.values_list("name", flat=True)
            self.initial["tag_names"] = "; ".join(held)
        if "kind" in self.fields:
            kind = self.fields["kind"]
            assert isinstance(kind, forms.ChoiceField)  # noqa: S101
            kind.choices = [
                (value, label)
                for value, label in Audience.Kind.choices
                if value != Audience.Kind.LIST
            ]
            kind.help_text = _(
                "A list of people is made from a file, or from the list of profiles."
            )

    def clean_tag_names(self) -> list[str]:
        try:
            return tags.read_names(self.cleaned_data["tag_names"])
        except tags.BadTag as error:
            raise forms.ValidationError(str(error)) from error

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
            errors.refuse(self, "condition", error)


def _reach(audience: Audience) -> list[tuple[str, str]]:
    """How many of a list or of subscribers can be reached now."""
    people = membership.Members.of(audience).profiles(timezone.now())
    return reach_in_words(people, counting.of_audience(audience))


# Links on the page of an audience that others add: a label and an address.
links: Registry[str, Callable[[HttpRequest, Audience], tuple[str, str] | None]] = (
    Registry("link on the page of an audience")
)


class TagFilter(admin.SimpleListFilter):
    """Audiences that have a tag."""

    title = _("tag")
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Tag.objects.values_list("slug", "name")[:100]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(tags__slug=self.value()) if self.value() else queryset


@admin.register(Audience)
class AudienceAdmin(PlainAdmin):
    """Deliveries depend on who is meant: kind and service stay as they are made.

    When a condition changes, what was prepared for it says that it is out of date.
    """

    form = AudienceForm
    change_form_template = "admin/audiences/audience/change_form.html"
    add_form_template = change_form_template
    change_list_template = "admin/audiences/audience/change_list.html"
    list_display = ("name", "kind", "service", "created_at")
    list_filter = ("kind", TagFilter)
    list_select_related = ("service",)
    search_fields = ("name",)

    def get_fields(self, request: HttpRequest, obj: Audience | None = None) -> Any:
        fields = ("name", "kind", "service", "condition", "tag_names")
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
        if "tag_names" in form.changed_data:
            tags.set_on(obj, form.cleaned_data["tag_names"])
        # A tag changes nothing of who is meant.
        if change and set(form.changed_data) - {"tag_names"}:
            audience_changed.send(Audience, audience=obj, user=request.user)

    def refusal_to_change(self, request: HttpRequest, row: Audience) -> str:
        answers = audience_to_be_changed.send(Audience, audience=row, user=request.user)
        return next((text for _listener, text in answers if text), "")

    def next_steps(self, request: HttpRequest, row: Audience) -> list[tuple[str, str]]:
        return [link for make in links.values() if (link := make(request, row))]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        form = context["adminform"].form
        context["has_builder"] = "condition" in form.fields
        context["matching"] = matching_of(request, form)
        audience = kwargs.get("obj")
        if audience:
            context["links"] = self.next_steps(request, audience)
            if not context["has_builder"] and audience.kind != Audience.Kind.EVERYONE:
                context["reach"] = _reach(audience)
        return super().render_change_form(request, context, *args, **kwargs)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        more = {"may_upload": request.user.has_perms(kinds["list"].permissions)}
        return super().changelist_view(request, {**(extra_context or {}), **more})

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
