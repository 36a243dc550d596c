"""The form in which operators build a condition: a field, its widget, its buttons.

A button of the builder posts the whole form under the name `_row`; the page comes back
with the row added, moved or removed, and nothing is saved. A script does the same
without loading the page (audiences/builder.js).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.forms.widgets import Script
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _

from audiences import conditions
from audiences.admin.condition_rows import anchor_of, key_label, menu, row_of
from audiences.conditions import BadCondition, drafts
from audiences.conditions.drafts import Draft, Fault
from audiences.console import errors
from audiences.membership import counting, reach
from audiences.membership.counting import Matching
from audiences.models import Profile
from audiences.refusals import Refused

BUTTON = "_row"
SCRIPT = Script("audiences/builder.js", defer=True)
LABELS = {
    drafts.ALL: _("All of these"),
    drafts.ANY: _("Any of these"),
    drafts.NONE: _("None of these"),
}


class BuilderForm:
    """A form with buttons that change its rows: pressing one saves nothing."""

    data: Mapping[str, Any]
    is_bound: bool

    @property
    def is_being_built(self) -> bool:
        return self.is_bound and BUTTON in self.data

    def full_clean(self) -> None:
        if self.is_being_built:
            self._errors = ErrorDict()
            self.cleaned_data: dict[str, Any] = {}
            return
        super().full_clean()  # type: ignore[misc]

    def is_valid(self) -> bool:
        return not self.is_being_built and super().is_valid()  # type: ignore[misc]


class ConditionWidget(forms.Widget):
    """The rows of a condition, made from the registry of nodes."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.faults: list[Fault] = []

    class Media:
        js = (SCRIPT,)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """The draft that the form posts, after the button that was pressed."""
        draft = drafts.read(data, name)
        if draft is None:
            return data.get(name)
        if action := data.get(BUTTON):
            drafts.act(draft, action, data, name)
        return draft

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data and f"{name}.node" not in data

    def id_for_label(self, id_: str) -> str:
        return ""

    def render(
        self, name: str, value: Any, attrs: Any = None, renderer: Any = None
    ) -> SafeString:
        draft = value if isinstance(value, Draft) else _shown(value)
        context = {
            "row": row_of(draft, name, name, self.faults),
            "groups": LABELS.items(),
            "kinds": menu(),
            "button": BUTTON,
            "id": (attrs or {}).get("id", ""),
        }
        return render_to_string("admin/builder/condition.html", context)


class ConditionField(forms.Field):
    """A condition tree; what is wrong is said of the row and the field."""

    widget = ConditionWidget

    def clean(self, value: Any) -> Any:
        value = super().clean(value)
        if isinstance(value, str) and value.strip():
            return forms.JSONField().clean(value)
        if not isinstance(value, Draft):
            return None
        tree = drafts.tree_of(value)
        if tree is None:
            if self.required:
                nothing = Fault("condition", "", gettext("Add at least one row."))
                raise self.marked(value, [nothing])
            return None
        if faults := drafts.faults_of(value, "condition"):
            raise self.marked(value, faults)
        return tree

    def marked(self, draft: Draft, faults: list[Fault]) -> forms.ValidationError:
        """Each fault with its row in words, and marked in the row itself."""
        assert isinstance(self.widget, ConditionWidget)  # noqa: S101
        self.widget.faults = faults
        said_of = [
            errors.Fault(said(fault), anchor=anchor_of(draft, fault, "condition"))
            for fault in faults
        ]
        return forms.ValidationError(said_of)

    def has_changed(self, initial: Any, data: Any) -> bool:
        tree = drafts.tree_of(data) if isinstance(data, Draft) else data
        try:
            return not drafts.is_same(initial, tree)
        except (TypeError, KeyError):
            return True


def said(fault: Fault, name: str = "condition") -> str:
    """The fault in words, with the number of its row and the name of its field."""
    number = drafts.number_of(fault.path, name)
    if not number:
        return fault.text
    where = gettext("Row {number}").format(number=number)
    if fault.key:
        where += f", {key_label(fault.key)}"
    return f"{where}: {fault.text}"


def _shown(value: Any) -> Draft:
    try:
        return drafts.draft_of(value)
    except (TypeError, KeyError, AttributeError):
        return Draft(drafts.ALL)


def matching_of(request: HttpRequest, form: Any, name: str = "condition") -> Any:
    """Whom the condition of a form means now, saved or not; None when it has none."""
    if name not in form.fields:
        return None
    if form.is_bound and name in form.errors:
        return Matching(problem=gettext("See what is marked."))
    value = form[name].value()
    try:
        tree = drafts.tree_of(value) if isinstance(value, Draft) else value
        if not isinstance(tree, dict):
            return None
        conditions.validate(tree)
        may = request.user.has_perm("audiences.view_profile")
        return with_reach(counting.of_tree(tree, with_sample=may), tree)
    except BadCondition as error:
        return Matching(problem=_explained(name, value, error))
    except Refused as refused:
        return Matching(problem=str(refused))


def with_reach(matching: Matching, tree: Any) -> Matching:
    """The same with how many can be reached on each channel."""
    if matching.count is None:
        return matching
    now = conditions.Moment(timezone.now())
    people = Profile.objects.filter(conditions.to_q(tree, now))
    return replace(matching, reach=reach_in_words(people, matching.count))


def reach_in_words(people: Any, count: counting.Count) -> list[tuple[str, str]]:
    """Each channel with the number of people, for an operator."""
    return [
        (channel, counting.words(number))
        for channel, number in reach.reach_of(people, count)
    ]


def _explained(name: str, value: Any, error: BadCondition) -> str:
    if not isinstance(value, Draft):
        return str(error)
    return said(drafts.fault_of(value, error, name), name)
