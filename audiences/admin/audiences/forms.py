"""The form of an audience."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from audiences import membership
from audiences.admin.audiences.condition_forms import BuilderForm, ConditionField
from audiences.models import Audience
from audiences.refusals import Refused


class AudienceForm(BuilderForm, forms.ModelForm[Any]):
    """An audience; a list is made from a file, by `create_delivery`.

    Once it is made its kind and service stay: they are then not in the form.
    """

    condition = ConditionField(label=_("Condition"), required=False)

    class Meta:
        model = Audience
        fields = ("name", "kind", "service", "condition")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            kind = self.fields["kind"]
            assert isinstance(kind, forms.ChoiceField)  # noqa: S101
            kind.choices = [
                (value, label)
                for value, label in Audience.Kind.choices
                if value != Audience.Kind.LIST
            ]
            kind.help_text = _(
                "A list of profiles is made from a file: "
                "manage.py create_delivery … --audience list:FILE."
            )

    def clean(self) -> None:
        super().clean()
        if "condition" in self.fields and "condition" not in self.errors:
            self._check_condition()
        if "kind" not in self.cleaned_data:
            return
        wants = self.cleaned_data["kind"] == Audience.Kind.SUBSCRIBERS
        if wants and not self.cleaned_data.get("service"):
            self.add_error(
                "service", _("Choose the service whose subscribers are meant.")
            )
        elif not wants and self.cleaned_data.get("service"):
            self.add_error("service", _("Only the audience of a service has one."))

    def _check_condition(self) -> None:
        tree = self.cleaned_data.get("condition")
        kind = self.cleaned_data.get("kind", self.instance.kind)
        if kind != Audience.Kind.CONDITION:
            if tree is not None:
                self.add_error("condition", _("Only the kind “condition” has one."))
            return
        if tree is None:
            self.add_error("condition", _("Give the condition that profiles meet."))
            return
        field = self.fields["condition"]
        if self.instance.pk and not field.has_changed(self.instance.condition, tree):
            # Said in another way it means the same: what was prepared stays good.
            self.cleaned_data["condition"] = self.instance.condition
            return
        try:
            membership.check_condition(self.cleaned_data.get("name", ""), tree)
        except Refused as error:
            self.add_error("condition", str(error))
