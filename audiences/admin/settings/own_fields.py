"""Own fields in the console: defining them, and what one person has in them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from audiences import fields, tags
from audiences.admin.people.panels import Panel, extensions
from audiences.console import errors
from audiences.console.numbers import grouped
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.fields import BadField, FieldInUse
from audiences.models import FieldValue, OwnField, Profile, Tag
from audiences.tags import BadTag

CHANGE = "audiences.change_profile"


class OwnFieldForm(forms.ModelForm[Any]):
    """A field; what is wrong with it is said where it is wrong."""

    choices = forms.CharField(
        label=_("Choices"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Of a field of choices: one on each line."),
    )

    class Meta:
        model = OwnField
        fields = ("label", "type", "choices", "is_personal", "is_editable")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["choices"] = "\n".join(self.instance.choices)
        if "type" in self.fields:
            self.fields["type"].help_text = _("It stays as it is, once it is made.")

    def clean_choices(self) -> list[str]:
        return str(self.cleaned_data["choices"]).splitlines()

    def _post_clean(self) -> None:
        """The domain says what is wrong; nothing is set on the row before that."""
        if self.errors:
            return
        data, made = self.cleaned_data, self.instance
        same = {
            "choices": data["choices"],
            "is_personal": data["is_personal"],
            "is_editable": data["is_editable"],
        }
        try:
            if made.pk:
                fields.change_field(made, label=data["label"], **same)
            else:
                self.instance = fields.create_field(data["label"], data["type"], **same)
        except BadField as error:
            errors.refuse(self, error.name, error)


@admin.register(OwnField)
class OwnFieldAdmin(PlainAdmin):
    """Administrators define fields; one in use is not deleted."""

    form = OwnFieldForm
    list_display = ("label", "slug", "type", "is_personal", "is_editable")
    list_filter = ("type",)
    search_fields = ("label", "slug")

    def get_fields(self, request: HttpRequest, obj: OwnField | None = None) -> Any:
        facts = ("label", "type", "choices", "is_personal", "is_editable")
        return (*facts, "slug", "people", "used_by") if obj else facts

    def get_readonly_fields(
        self, request: HttpRequest, obj: OwnField | None = None
    ) -> tuple[str, ...]:
        return ("type", "slug", "people", "used_by") if obj else ()

    def save_model(
        self, request: HttpRequest, obj: OwnField, form: Any, change: bool
    ) -> None:
        """The form has written it."""

    @admin.display(description=_("people with a value"))
    def people(self, field: OwnField) -> str:
        return grouped(FieldValue.objects.filter(field=field).count())

    @admin.display(description=_("used by"))
    def used_by(self, field: OwnField) -> str:
        return ", ".join(fields.used_by(field)) or gettext("nothing")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The values are counted, not listed; what uses a field protects it."""
        numbers = {o: FieldValue.objects.filter(field=o).count() for o in objs}
        listed = []
        for field, number in numbers.items():
            text = ngettext(
                "{field}: {number} value goes with it",
                "{field}: {number} values go with it",
                number,
            )
            listed.append(text.format(field=field, number=grouped(number)))
        protected = [f"{o}: {used}" for o in objs for used in fields.used_by(o)]
        counts = {
            str(OwnField._meta.verbose_name_plural): len(numbers),
            str(FieldValue._meta.verbose_name_plural): sum(numbers.values()),
        }
        refused = any(not self.has_delete_permission(request, o) for o in objs)
        lacking = {str(self.opts.verbose_name)} if refused else set()
        return listed, counts, lacking, protected

    def delete_model(self, request: HttpRequest, obj: OwnField) -> None:
        try:
            fields.delete_field(obj)
        except FieldInUse as error:
            messages.error(request, str(error))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for field in queryset:
            self.delete_model(request, field)


# ------------------------------------------------------------------ of one person
class OwnFactsForm(forms.Form):
    """What a person has in own fields, and their tags."""

    tags = forms.CharField(
        label=_("Tags"),
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField", "list": "tags"}),
        help_text=_("With ; between them. A new word makes a new tag."),
    )

    def __init__(self, *args: Any, profile: Profile, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.profile = profile
        self.own = {f"field_{field.slug}": field for field in fields.all_fields()}
        have = fields.values_of([profile.pk]).get(profile.pk, {})
        for name, field in self.own.items():
            value = have.get(field.slug)
            self.fields[name] = field_of_form(field, initial=fields.as_text(value))
        held = tags.tags_of([profile.pk]).get(profile.pk, [])
        self.initial["tags"] = "; ".join(tag.name for tag in held)
        self.order_fields([*self.own, "tags"])

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for name, field in self.own.items():
            if text := str(data.get(name) or "").strip():
                try:
                    data[name] = fields.read_value(field, text)
                except ValueError as error:
                    self.add_error(name, str(error))
            else:
                data[name] = None
        try:
            data["names"] = tags.read_names(data.get("tags", ""))
        except BadTag as error:
            self.add_error("tags", str(error))
        return data

    def save(self) -> bool:
        """Write what the operator changed; what others changed meanwhile stays."""
        changed = {
            field: self.cleaned_data[name]
            for name, field in self.own.items()
            if name in self.changed_data
        }
        is_changed = bool(changed) and fields.set_values(self.profile, changed)
        if "tags" in self.changed_data:
            is_changed |= tags.set_tags(self.profile, self.cleaned_data["names"])
        return is_changed


def field_of_form(field: OwnField, *, initial: str = "") -> forms.Field:
    """How a form asks for a value of the type."""
    if field.type in (OwnField.Type.CHOICE, OwnField.Type.YES_NO):
        yes_no = [("yes", gettext("Yes")), ("no", gettext("No"))]
        listed = [(c, c) for c in field.choices] or yes_no
        return forms.ChoiceField(
            label=field.label,
            choices=[("", "---------"), *listed],
            required=False,
            initial=initial,
        )
    attrs = {"class": "vTextField"}
    widgets = {
        OwnField.Type.DATE: forms.TextInput(attrs={"type": "date"}),
        OwnField.Type.NUMBER: forms.TextInput(attrs={**attrs, "inputmode": "decimal"}),
    }
    widget = widgets.get(OwnField.Type(field.type), forms.TextInput(attrs=attrs))
    return forms.CharField(
        label=field.label, required=False, initial=initial, widget=widget
    )


@page(
    Profile,
    "own_facts",
    "view",
    CHANGE,
    route="<int:pk>/own-facts/",
    title=_("Own fields and tags"),
)
def own_facts(own: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    form = OwnFactsForm(request.POST or None, profile=profile)
    if request.method == "POST" and form.is_valid():
        if form.save():
            names = [str(form.fields[name].label) for name in form.changed_data]
            text = gettext("Changed: {names}.").format(names=", ".join(names))
            return own.say_done(request, profile, text)
        return own.go_back(profile)
    return {"profile": profile, "form": form, "known_tags": Tag.objects.all()[:500]}


def _panel(request: HttpRequest, profile: Profile) -> Panel | None:
    """On the page of a person: what is known, and a link to change it."""
    have = fields.values_of([profile.pk]).get(profile.pk, {})
    held = tags.tags_of([profile.pk]).get(profile.pk, [])
    may_change = request.user.has_perm(CHANGE)
    known = fields.all_fields()
    if not known and not held and not may_change:
        return None
    facts = [(f.label, _shown(have[f.slug])) for f in known if f.slug in have]
    return Panel(
        gettext("Own fields and tags"),
        template="admin/audiences/profile/own_facts_panel.html",
        facts={
            "facts": facts,
            "tags": held,
            "edit": reverse("admin:audiences_profile_own_facts", args=[profile.pk])
            if may_change
            else "",
        },
    )


def _shown(value: fields.Value) -> Any:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return value if not hasattr(value, "as_tuple") else fields.as_text(value)


extensions.panels.add("own facts", _panel)
