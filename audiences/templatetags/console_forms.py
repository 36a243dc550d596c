"""The forms of the console: what was refused, at their top."""

from collections.abc import Iterable
from typing import Any

from django import template

from audiences.console import errors, remedies
from audiences.refusals import Refused

register = template.Library()
ERRORS = "admin/includes/errors.html"


@register.inclusion_tag(ERRORS, takes_context=True)
def form_errors(context: Any, *forms: Any) -> dict[str, Any]:
    """What is wrong in these forms, each with a link to its field."""
    return {"problems": errors.problems(*forms, user=context.get("user"))}


@register.inclusion_tag(ERRORS, takes_context=True)
def admin_errors(
    context: Any, adminform: Any, inlines: Iterable[Any] = ()
) -> dict[str, Any]:
    """The same for a form of Django's admin, with the sets of rows below it."""
    sets = [inline.formset for inline in inlines or ()]
    found = errors.problems(adminform.form, *sets, user=context.get("user"))
    return {"problems": found}


@register.inclusion_tag(ERRORS, takes_context=True)
def refusal(context: Any, said: str | Refused) -> dict[str, Any]:
    """A refusal that belongs to no field."""
    link = remedies.link_of(getattr(said, "remedy", None), context.get("user"))
    return {"problems": [errors.Problem(str(said), link=link)] if said else []}


@register.simple_tag(takes_context=True)
def remedy(context: Any, said: str | Refused) -> remedies.Link | None:
    """The link of what mends it; nothing where no page does."""
    return remedies.link_of(getattr(said, "remedy", None), context.get("user"))
