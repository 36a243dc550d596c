"""The forms of the console: what was refused, at their top."""

from collections.abc import Iterable
from typing import Any

from django import template

from audiences.console import errors

register = template.Library()


@register.inclusion_tag("admin/includes/errors.html")
def form_errors(*forms: Any) -> dict[str, Any]:
    """What is wrong in these forms, each with a link to its field."""
    return {"problems": errors.problems(*forms)}


@register.inclusion_tag("admin/includes/errors.html")
def admin_errors(adminform: Any, inlines: Iterable[Any] = ()) -> dict[str, Any]:
    """The same for a form of Django's admin, with the sets of rows below it."""
    sets = [inline.formset for inline in inlines or ()]
    return {"problems": errors.problems(adminform.form, *sets)}


@register.inclusion_tag("admin/includes/errors.html")
def refusal(text: str) -> dict[str, Any]:
    """A refusal that belongs to no field."""
    return {"problems": [errors.Problem(str(text))] if text else []}
