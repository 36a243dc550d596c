"""What a page with a condition builder shows beside it: the count and a sample."""

from typing import Any

from django.http import HttpRequest

from audiences import conditions
from audiences.admin.audiences import condition_forms
from audiences.conditions import BadCondition, drafts
from audiences.conditions.drafts import Draft
from audiences.membership import counting
from audiences.membership.counting import Matching
from audiences.refusals import Refused


def matching_of(request: HttpRequest, form: Any, name: str = "condition") -> Any:
    """Whom the condition of a form means now, saved or not; None when it has none."""
    if name not in form.fields:
        return None
    value = form[name].value()
    try:
        tree = drafts.tree_of(value) if isinstance(value, Draft) else value
        if not isinstance(tree, dict):
            return None
        conditions.validate(tree)
        may = request.user.has_perm("audiences.view_profile")
        return counting.of_tree(tree, with_sample=may)
    except BadCondition as error:
        return Matching(problem=_explained(name, value, error))
    except Refused as refused:
        return Matching(problem=str(refused))


def _explained(name: str, value: Any, error: BadCondition) -> str:
    if not isinstance(value, Draft):
        return str(error)
    return condition_forms.said(drafts.fault_of(value, error, name), name)
