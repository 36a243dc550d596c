"""Own fields that recipients may edit, on the page of their preferences.

A field is added only where the link proves who it is, beside the other details. What an
older form does not have stays as it is.
"""

from typing import Any

from django import forms
from django.utils import translation
from django.utils.translation import gettext

from audiences import fields
from audiences.fields.editing import Editable
from audiences.models import LandingPage, OwnField
from audiences.models.fields import LONGEST_VALUE
from audiences.visits.visit import Visit
from audiences.wording import page_texts

Type = OwnField.Type
_PREFIX = "own_"


def add_to(form: forms.Form, visit: Visit, language: str) -> None:
    """Ask for each of them on a page of preferences that knows the visitor."""
    if visit.kind != LandingPage.Kind.PREFERENCES or not visit.proved:
        return
    for own in fields.editable(visit.profile):
        form.fields[_PREFIX + own.field.slug] = _field(own, language)


def values_in(form: forms.Form) -> dict[OwnField, fields.Value | None]:
    """What a valid form says in them, as far as it was asked."""
    names = [name for name in form.fields if name.startswith(_PREFIX)]
    if not names:
        return {}
    by_slug = {own.field.slug: own.field for own in fields.editable()}
    found: dict[OwnField, fields.Value | None] = {}
    for name in names:
        field = by_slug.get(name.removeprefix(_PREFIX))
        if field is None or name not in form.data:
            continue
        given = form.cleaned_data[name]
        is_empty = given in (None, "")
        text = "" if is_empty else fields.as_text(given)
        found[field] = None if is_empty else fields.read_value(field, text)
    return found


def _field(own: Editable, language: str) -> forms.Field:
    field = own.field
    given: dict[str, Any] = {"label": field.label, "required": False}
    if field.type == Type.NUMBER:
        number: Any = forms.DecimalField(max_digits=15, decimal_places=4, **given)
        number.initial = own.value and fields.as_text(own.value)
        return number  # type: ignore[no-any-return]
    if field.type == Type.DATE:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        return forms.DateField(initial=own.value, widget=widget, **given)
    given["initial"] = fields.as_text(own.value)
    if field.type == Type.TEXT:
        return forms.CharField(max_length=LONGEST_VALUE, **given)
    nothing = page_texts.text(language, "fields.no_choice")
    listed = [(choice, choice) for choice in field.choices]
    if field.type == Type.YES_NO:
        with translation.override(language):
            listed = [("yes", gettext("Yes")), ("no", gettext("No"))]
    return forms.ChoiceField(choices=[("", nothing), *listed], **given)
