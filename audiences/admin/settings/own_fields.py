"""Own fields in the console: what administrators define."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from audiences import fields
from audiences.console import errors
from audiences.console.numbers import grouped
from audiences.console.pages import PlainAdmin
from audiences.fields import BadField, FieldInUse
from audiences.fields.definitions import ChangedMeanwhile, mark_of
from audiences.models import FieldValue, OwnField
from audiences.models.fields import LONGEST_LABEL
from audiences.wording import page_texts


class OwnFieldForm(forms.ModelForm[Any]):
    """A field; what is wrong with it is said where it is wrong."""

    choices = forms.CharField(
        label=_("Choices"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Of a field of choices: one on each line."),
    )

    # The field as the page showed it.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = OwnField
        fields = ("label", "type", "choices", "is_personal", "is_editable")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["choices"] = "\n".join(self.instance.choices)
        self.initial["seen"] = mark_of(self.instance)
        if "type" in self.fields:
            self.fields["type"].help_text = _("It stays as it is, once it is made.")
        for code, _name in page_texts.languages():
            if f"label_{code}" not in self.fields:
                continue
            kept = self.instance.texts.get(code, {})
            named = kept.get("choices", {})
            lines = [named.get(choice, "") for choice in self.instance.choices]
            self.initial[f"label_{code}"] = kept.get("label", "")
            self.initial[f"choices_{code}"] = "\n".join(lines) if any(lines) else ""

    def clean_choices(self) -> list[str]:
        return str(self.cleaned_data["choices"]).splitlines()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        choices = [c for c in data.get("choices", []) if c.strip()]
        data["texts"] = {}
        for code, _name in page_texts.languages():
            label = data.get(f"label_{code}", "")
            lines = [
                " ".join(line.split())
                for line in data.get(f"choices_{code}", "").rstrip().splitlines()
            ]
            if lines and len(lines) != len(choices):
                text = gettext("As many lines as there are choices: {count}.")
                self.add_error(f"choices_{code}", text.format(count=len(choices)))
                continue
            names = (" ".join(choice.split()) for choice in choices)
            named = dict(zip(names, lines, strict=False))
            data["texts"][code] = {"label": label, "choices": named}
        return data

    def _post_clean(self) -> None:
        """The domain says what is wrong; nothing is set on the row before that."""
        if self.errors:
            return
        data, made = self.cleaned_data, self.instance
        same = {
            "choices": data["choices"],
            "is_personal": data["is_personal"],
            "is_editable": data["is_editable"],
            "texts": data["texts"],
        }
        try:
            if made.pk:
                seen = data.get("seen", "")
                fields.change_field(made, label=data["label"], seen=seen, **same)
            else:
                self.instance = fields.create_field(data["label"], data["type"], **same)
        except ChangedMeanwhile as error:
            errors.refuse(self, None, error)
            # Saving again is meant: what was posted stays.
            self.data = {**self.data.dict(), "seen": mark_of(error.saved)}  # type: ignore[attr-defined]
        except BadField as error:
            errors.refuse(self, error.name, error)


def language_fields() -> list[str]:
    """The names of the fields for what recipients read, by language."""
    return [f"{part}_{code}" for code, _n in page_texts.languages() for part in LABELS]


LABELS = {
    "label": _("Label in {language}"),
    "choices": _("Choices in {language}"),
}


def form_with_languages() -> type[OwnFieldForm]:
    """The form with a label, and the choices, in each language of the pages."""
    made: dict[str, Any] = {}
    for code, language in page_texts.languages():
        said = {name: format_lazy(t, language=language) for name, t in LABELS.items()}
        made[f"label_{code}"] = forms.CharField(
            label=said["label"],
            required=False,
            max_length=LONGEST_LABEL,
            widget=forms.TextInput(attrs={"class": "vTextField", "lang": code}),
        )
        made[f"choices_{code}"] = forms.CharField(
            label=said["choices"],
            required=False,
            strip=False,
            widget=forms.Textarea(attrs={"rows": 3, "lang": code}),
            help_text=_("One on each line, in the order of the choices above."),
        )
    return type("OwnFieldForm", (OwnFieldForm,), made)


@admin.register(OwnField)
class OwnFieldAdmin(PlainAdmin):
    """Administrators define fields; one in use is not deleted."""

    form = form_with_languages()
    list_display = ("label", "slug", "type", "is_personal", "is_editable")
    list_filter = ("type",)
    search_fields = ("label", "slug")

    def get_fieldsets(self, request: HttpRequest, obj: OwnField | None = None) -> Any:
        facts = ("label", "type", "choices", "is_personal", "is_editable", "seen")
        more = ("slug", "people", "used_by") if obj else ()
        about = _("What recipients read on pages and in messages; empty: as above.")
        return (
            (None, {"fields": (*facts, *more)}),
            (
                _("In each language"),
                {"fields": language_fields(), "description": about},
            ),
        )

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
