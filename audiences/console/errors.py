"""What a form refused: one sentence for each problem, with a link to its field.

The one mechanism of all forms of the console. `problems` reads the forms of a page;
`templates/admin/includes/errors.html` shows them at its top, by the tag `form_errors`.
Beside its field a problem is said in the same words. Where another page mends it, that
is a link too (`audiences.console.remedies`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.forms import BoundField
from django.forms.formsets import BaseFormSet
from django.utils.translation import gettext as _

from audiences.refusals import Refused, Remedy

from . import remedies

# Codes of Django's for a box that was left empty.
EMPTY = ("required", "incomplete")
# What it says of one, which names no field.
_PLAIN = (
    forms.Field.default_error_messages["required"],
    forms.MultiValueField.default_error_messages["incomplete"],
)


@dataclass(frozen=True)
class Problem:
    """A sentence that names the field in its own words, and where the field is."""

    text: str
    anchor: str = ""
    remedy: Remedy | None = None
    link: remedies.Link | None = None


class Fault(ValidationError):
    """What is wrong with a field, with what mends it, or the very place in the field.

    Where `anchor` is given the place is marked itself, and beside the field as a whole
    nothing more is said.
    """

    def __init__(
        self, text: str, *, remedy: Remedy | None = None, anchor: str = ""
    ) -> None:
        super().__init__(text)
        self.remedy, self.anchor = remedy, anchor


def refuse(form: Any, name: str | None, refused: Refused) -> None:
    """Add what the domain refused to a form: at its field, with its remedy."""
    fault = Fault(str(refused), remedy=refused.remedy)
    form.add_error(name if name in form.fields else None, fault)


def problems(*given: Any, user: Any = None) -> list[Problem]:
    """What is wrong in these forms and sets of forms, in the order of the page.

    With the links that `user` may follow.
    """
    found = [problem for one in given for problem in _of(one)]
    return [replace(p, link=remedies.link_of(p.remedy, user)) for p in found]


def _of(given: Any) -> Iterable[Problem]:
    if isinstance(given, BaseFormSet):
        return _of_set(given)
    if isinstance(given, forms.BaseForm):
        return _of_form(given)
    return ()


def _of_set(formset: Any) -> Iterator[Problem]:
    if not formset.is_bound:
        return
    for text in formset.non_form_errors():
        yield Problem(str(text))
    for number, form in enumerate(formset.forms, start=1):
        row = _("row {number}").format(number=number)
        for problem in _of_form(form):
            yield replace(problem, text=f"{row}, {problem.text}")


def _of_form(form: forms.BaseForm) -> Iterator[Problem]:
    data = form.errors.as_data()
    for error in data.get(NON_FIELD_ERRORS, []):
        remedy = getattr(error, "remedy", None)
        yield from (Problem(str(text), remedy=remedy) for text in error.messages)
    for bound in form:
        for error in data.get(bound.name, []):
            yield from _of_field(bound, error)


def _of_field(bound: BoundField, error: ValidationError) -> Iterator[Problem]:
    label = str(bound.label)
    anchor = getattr(error, "anchor", "") or anchor_of(bound)
    if error.code in EMPTY:
        if error.message in _PLAIN:
            # The list beside the field holds this very error: it says the same then.
            error.message = _to_fill_in(bound).format(label=label)
        yield Problem(str(error.message), anchor)
        return
    remedy = getattr(error, "remedy", None)
    for text in error.messages:
        yield Problem(f"{label}: {text}", anchor, remedy)


def _to_fill_in(bound: BoundField) -> str:
    if isinstance(bound.field, forms.FileField):
        return _("Choose a file: “{label}”.")
    if isinstance(bound.field, (forms.ChoiceField, forms.ModelChoiceField)):
        return _("Choose something: “{label}”.")
    return _("Fill this in: “{label}”.")


def anchor_of(bound: BoundField) -> str:
    """The id of the first box of a field; of a hidden one there is none to go to."""
    if bound.is_hidden:
        return ""
    # Radio buttons and boxes have a number each; what a label names is one of them.
    auto = bound.auto_id or ""
    is_several = isinstance(
        bound.field.widget, (forms.RadioSelect, forms.CheckboxSelectMultiple)
    )
    return f"{auto}_0" if is_several and auto else bound.id_for_label or auto
