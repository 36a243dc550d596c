"""Own fields that recipients may edit: on the page of their preferences all of them,
on a sign-up page those that it asks for.

What somebody has is shown only where the link proves who it is, beside the other
details. What an older form does not have stays as it is.
"""

from typing import Any

from django import forms
from django.utils import translation
from django.utils.translation import gettext

from audiences import fields
from audiences.fields.editing import Editable
from audiences.landing_pages import Content
from audiences.models import LandingPage, OwnField
from audiences.models.fields import LONGEST_VALUE
from audiences.models.landing_pages import OWN
from audiences.visits.visit import Visit
from audiences.wording import page_texts

from .page_form import PageForm

Type = OwnField.Type
_PREFIX = "own_"


def add_to(form: forms.Form, visit: Visit, language: str) -> None:
    """Ask for them on a page that knows the visitor."""
    if not visit.proved:
        return
    has_all = visit.kind == LandingPage.Kind.PREFERENCES
    asked = None if has_all else _asked(visit.content)
    _add(form, fields.editable(visit.profile), asked, language)


def add_to_signup(form: forms.Form, content: Content, language: str) -> None:
    """Ask for those of a sign-up page, of somebody whom nobody knows yet."""
    if asked := _asked(content):
        _add(form, fields.editable(), asked, language)


def _asked(content: Content) -> set[str]:
    """The slugs of the own fields that a version of a page asks for."""
    names = content["extra_fields"]
    return {n.removeprefix(OWN) for n in names if n.startswith(OWN)}


def _add(
    form: forms.Form, offered: list[Editable], asked: set[str] | None, language: str
) -> None:
    for own in offered:
        if asked is None or own.field.slug in asked:
            form.fields[_PREFIX + own.field.slug] = _field(own, language)


def names_in(form: forms.Form) -> list[str]:
    """The fields of a form that ask for them."""
    return [name for name in form.fields if name.startswith(_PREFIX)]


def texts_in(form: PageForm) -> dict[str, str]:
    """What a valid sign-up says in them, as a request keeps it."""
    return {
        OWN + field.slug: fields.as_text(value)
        for field, value in values_in(form).items()
        if value is not None
    }


def values_in(form: PageForm) -> dict[OwnField, fields.Value | None]:
    """What a valid form says in them, as far as it was asked."""
    names = names_in(form)
    if not names:
        return {}
    by_slug = {own.field.slug: own.field for own in fields.editable()}
    found: dict[OwnField, fields.Value | None] = {}
    for name in names:
        field = by_slug.get(name.removeprefix(_PREFIX))
        if field is None or name not in form.data or not form.is_touched(name):
            continue
        given = form.cleaned_data[name]
        is_empty = given in (None, "")
        text = "" if is_empty else fields.as_text(given)
        found[field] = None if is_empty else fields.read_value(field, text)
    return found


def _field(own: Editable, language: str) -> forms.Field:
    field = own.field
    label = field.label_in(language)
    given: dict[str, Any] = {"label": label, "required": False}
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
    listed = [(choice, field.choice_in(choice, language)) for choice in field.choices]
    if field.type == Type.YES_NO:
        with translation.override(language):
            listed = [("yes", gettext("Yes")), ("no", gettext("No"))]
    return forms.ChoiceField(choices=[("", nothing), *listed], **given)
