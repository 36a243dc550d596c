"""The form of a typology: its rules in their order."""

from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audiences.admin.condition_forms import BUTTON, SCRIPT
from delivery.admin.rules.forms import Kind, TrialForm
from delivery.models import Typology, TypologyRule
from delivery.rules import limits, writing


class RulesWidget(forms.Widget):
    """The rules of a typology in their order, with buttons to move them."""

    class Media:
        js = (SCRIPT,)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[int]:
        """The ids that the form posts, after the button that was pressed."""
        posted = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
        ids = [int(text) for text in posted if str(text).isdigit()]
        verb, _colon, rest = data.get(BUTTON, "").partition(":")
        if verb == "add":
            added = data.get(f"{name}.add", "")
            return [*ids, int(added)] if added.isdigit() else ids
        if verb not in ("remove", "up", "down"):
            return ids
        at = rest.rpartition(".")[2]
        number = int(at) if at.isdigit() else -1
        if not 0 <= number < len(ids):
            return ids
        if verb == "remove":
            return ids[:number] + ids[number + 1 :]
        other = number + (-1 if verb == "up" else 1)
        if 0 <= other < len(ids):
            ids[number], ids[other] = ids[other], ids[number]
        return ids

    def id_for_label(self, id_: str) -> str:
        return ""

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False

    def render(
        self, name: str, value: Any, attrs: Any = None, renderer: Any = None
    ) -> SafeString:
        offered = TypologyRule.objects.exclude(kind=Kind.NATIVE)
        rows = {row.pk: row for row in offered}
        chosen = [rows[pk] for pk in dict.fromkeys(value or []) if pk in rows]
        context = {
            "name": name,
            "rules": [
                {
                    "rule": rule,
                    "row": {
                        "path": f"{name}.{at}",
                        "number": str(at + 1),
                        "is_first": at == 0,
                        "is_last": at == len(chosen) - 1,
                    },
                }
                for at, rule in enumerate(chosen)
            ],
            "rest": [row for row in offered if row not in chosen],
            "button": BUTTON,
        }
        return render_to_string("admin/builder/rules.html", context)


class RulesField(forms.Field):
    """Rules of a typology, in order."""

    widget = RulesWidget

    def clean(self, value: Any) -> list[TypologyRule]:
        rows = TypologyRule.objects.exclude(kind=Kind.NATIVE).in_bulk(value or [])
        return [rows[pk] for pk in dict.fromkeys(value or []) if pk in rows]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != list(data or [])


class TypologyForm(TrialForm):
    """A typology: its rules in their order, and whether it is the default one."""

    rules = RulesField(
        label=_("Rules"),
        required=False,
        help_text=_(
            "Filtering rules decide before fatigue rules, each in this order; control "
            "rules look at the message first. The rules of the code always judge."
        ),
    )

    class Meta:
        model = Typology
        fields = ("slug", "label", "is_default")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False
            self.fields["slug"].help_text = _("Empty: one is made from the label.")
        if self.instance.pk:
            uses = self.instance.uses.order_by("position", "id")
            self.initial["rules"] = list(uses.values_list("rule_id", flat=True))

    def clean(self) -> None:
        super().clean()
        kept = self.cleaned_data.get("is_default")
        if self.instance.pk and self.instance.is_default and kept is False:
            self.add_error(
                "is_default",
                _("There must be a default: make another typology the default."),
            )

    def validate_constraints(self) -> None:
        """The writer takes the mark from the present default."""

    def _post_clean(self) -> None:
        """The writer makes and validates the row, not the form."""
        slug = self.cleaned_data.get("slug")
        if slug and Typology.objects.filter(slug=slug).exists():
            self.add_error("slug", _("There is a typology with this slug already."))

    @property
    def becomes_default(self) -> bool:
        return bool(self.cleaned_data["is_default"]) and "is_default" in (
            self.changed_data
        )

    def write(self) -> Typology:
        """Make or change the typology through its writer; raises Refused."""
        data = self.cleaned_data
        rows: list[TypologyRule] = data["rules"]
        if self.instance.pk:
            typology: Typology = self.instance
            writing.change_typology(
                typology,
                rows,
                label=data["label"],
                is_default=data["is_default"],
            )
            return typology
        return writing.create_typology(
            data["slug"] or limits.slug_of_typology(data["label"]),
            rules=[row.code for row in rows],
            label=data["label"],
            is_default=data["is_default"],
        )

    def rows_on_trial(self) -> list[TypologyRule]:
        """The active rules as the form has them now."""
        rows: list[TypologyRule] = self.fields["rules"].clean(self["rules"].value())
        return [row for row in rows if row.is_active]
