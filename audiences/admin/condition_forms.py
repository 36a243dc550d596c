"""The form in which operators build a condition: a field, its widget, its buttons.

A button of the builder posts the whole form under the name `_row`; the page comes back
with the row added, moved or removed, and nothing is saved. A script does the same
without loading the page (audiences/builder.js).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.forms.widgets import Script
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _

from audiences import conditions
from audiences.conditions import BadCondition, Node, drafts
from audiences.conditions.asking import NEGATED
from audiences.conditions.drafts import Draft, Fault
from audiences.console.pages import Facts
from audiences.membership import counting, reach
from audiences.membership.counting import Matching
from audiences.models import Profile
from audiences.refusals import Refused

BUTTON = "_row"
# More choices than these are a list, fewer are boxes.
MOST_BOXES = 12
SCRIPT = Script("audiences/builder.js", defer=True)
LABELS = {
    drafts.ALL: _("All of these"),
    drafts.ANY: _("Any of these"),
    drafts.NONE: _("None of these"),
}
KEYS = {
    "at_least": _("At least this many times"),
    "before": _("Before"),
    "more_than_days_ago": _("More than … days ago"),
    "more_than_months_ago": _("More than … months ago"),
    "negated": _("Holds"),
    "tag": _("Tag"),
    "to": _("And"),
    "after": _("On or after"),
    "channel": _("Channel"),
    "delivery": _("Delivery"),
    "domain": _("Domain"),
    "field": _("Field"),
    "in_last_days": _("In the last … days"),
    "name": _("Name"),
    "operator": _("Comparison"),
    "service": _("Service"),
    "status": _("Status"),
    "valid": _("Valid"),
    "value": _("Value"),
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
        self.fault: Fault | None = None

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
            "row": _row(draft, name, name, self.fault),
            "groups": LABELS.items(),
            "kinds": menu(),
            "button": BUTTON,
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
                raise ValidationError(gettext("Add at least one row."))
            return None
        try:
            conditions.validate(tree)
        except BadCondition as error:
            raise ValidationError(self.explain(value, error)) from error
        return tree

    def explain(self, draft: Draft, error: BadCondition) -> str:
        """The fault in words with its row, and marked in the row itself."""
        fault = drafts.fault_of(draft, error, "condition")
        assert isinstance(self.widget, ConditionWidget)  # noqa: S101
        self.widget.fault = fault
        return said(fault)

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


def label_of(node: Node) -> str:
    return str(node.label) or node.name.replace("_", " ").capitalize()


def menu() -> list[tuple[str, str]]:
    """What can be added: a node, or its presets in its place, by label."""
    found: list[tuple[str, str]] = []
    for node in drafts.leaves().values():
        if node.presets:
            presets = node.presets()
            found += [(f"{node.name}:{c}", str(p.label)) for c, p in presets.items()]
        else:
            found.append((node.name, label_of(node)))
    return sorted(found, key=lambda entry: entry[1].casefold())


def _row_label(node: Node, texts: Mapping[str, str]) -> str:
    """That of the preset that the row was made with, else that of its node."""
    for preset in node.presets().values() if node.presets else ():
        if all(texts.get(key) == text for key, text in preset.texts.items()):
            return str(preset.label)
    return label_of(node)


def key_label(key: str) -> str:
    return str(KEYS.get(key) or key.replace("_", " ").capitalize())


def _shown(value: Any) -> Draft:
    try:
        return drafts.draft_of(value)
    except (TypeError, KeyError, AttributeError):
        return Draft(drafts.ALL)


def _row(
    draft: Draft, path: str, name: str, fault: Fault | None, last: bool = True
) -> Facts:
    """What the template needs of a row: a group has rows, a leaf a label and fields."""
    number = drafts.number_of(path, name)
    here = fault if fault and fault.path == path else None
    row: Facts = {
        "path": path,
        "name": draft.node,
        "number": number,
        "is_group": draft.is_group,
        "is_outermost": path == name,
        "is_new": draft.is_new,
        "is_first": path.endswith(".0"),
        "is_last": last,
        "fault": here.text if here and not here.key else "",
    }
    if draft.is_group:
        count = len(draft.rows)
        row["rows"] = [
            _row(child, f"{path}.{at}", name, fault, at == count - 1)
            for at, child in enumerate(draft.rows)
        ]
        return row
    node = drafts.leaves()[draft.node]
    row["label"] = _row_label(node, draft.texts)
    row["fields"] = [
        _field(
            node,
            key,
            f"{path}.key.{key}",
            draft.texts,
            here.text if here and here.key == key else "",
        )
        # Whether it holds at all is asked first.
        for key in sorted(node.schema, key=lambda key: key != NEGATED)
    ]
    return row


def _field(
    node: Node, key: str, name: str, texts: Mapping[str, str], fault: str
) -> Facts:
    """What the template needs of a field of a row; `kind` is how it is filled in."""
    schema, text, asked = (
        node.schema[key],
        texts.get(key, ""),
        node.asks(texts).get(key),
    )
    kind, choices = _kind(node, key, text)
    if asked:
        kind, choices = asked.kind, list(asked.options)
    known = {str(value) for value, _label in choices}
    given = [text]
    if kind == "choices":
        given = [line.strip() for line in _values(text)]
    if kind in ("choice", "choices"):
        choices += [(value, value) for value in given if value and value not in known]
    return {
        "name": name,
        "label": (asked and asked.label) or key_label(key),
        "kind": kind,
        "choices": choices,
        "is_long": len(choices) > MOST_BOXES,
        "given": given,
        "text": text,
        "nothing": _("It is so") if key == NEGATED else "",
        "needed": key in node.required,
        "fault": fault,
        "minimum": schema.get("minimum", 0),
        "maximum": schema.get("maximum", ""),
    }


def _values(text: str) -> list[str]:
    return text.splitlines() if "\n" in text else text.split(", ")


def _kind(node: Node, key: str, text: str) -> tuple[str, list[tuple[str, Any]]]:
    """How a key is filled in by its schema, and from which choices."""
    schema = node.schema[key]
    kind = "text"
    choices: list[tuple[str, Any]] = []
    if key == NEGATED:
        choices = [("true", _("It is not so"))]
    elif key in node.options:
        choices = list(node.options[key]())
    elif "enum" in schema:
        choices = [(v, str(v).replace("_", " ").capitalize()) for v in schema["enum"]]
    elif schema.get("type") == "boolean":
        choices = [("true", _("Yes")), ("false", _("No"))]
    elif schema.get("type") == "integer":
        kind = "number"
    elif "anyOf" in schema:
        kind = "texts"
    elif schema.get("format") == "date" and len(text) in (0, len("2026-05-01")):
        kind = "date"
    if choices or key in node.options:
        kind = "choice"
    return kind, choices


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
