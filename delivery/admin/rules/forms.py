"""Forms of operators for rules and typologies; their buttons are the builder's."""

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy as _

from audiences import conditions
from audiences.admin.condition_forms import BUTTON, BuilderForm, ConditionField
from audiences.refusals import Refused
from delivery.models import Delivery, TypologyRule
from delivery.rules import controls, limits, writing

Kind = TypologyRule.Kind
OFFERED = 100
# What each kind has of its own.
FIELDS: dict[str, tuple[str, ...]] = {
    Kind.FILTERING: ("condition",),
    Kind.FATIGUE: ("maximum", "period_days", "channel", "uses_profile_limit"),
    Kind.CONTROL: ("check_code", "severity", "inactive_note"),
}

_PREFIX: dict[str, str] = {
    Kind.FILTERING: "filter",
    Kind.FATIGUE: "fatigue",
    Kind.CONTROL: "control",
}


def _try_on() -> Any:
    """A delivery on which the rules are tried, without saving anything."""
    newest = Delivery.objects.order_by("-id").values("pk")[:OFFERED]
    return Delivery.objects.filter(pk__in=list(newest.values_list("pk", flat=True)))


class TrialForm(BuilderForm, forms.ModelForm[Any]):
    """A form whose rules can be tried on a delivery before they are saved."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.trial_deliveries = list(_try_on())

    @property
    def wants_trial(self) -> bool:
        return self.is_being_built and self.data[BUTTON] == "try"

    @property
    def trial_delivery(self) -> Delivery | None:
        wanted = self.data.get("trial_delivery", "")
        return next((d for d in self.trial_deliveries if str(d.pk) == wanted), None)


class RuleForm(TrialForm):
    """A filtering, fatigue or control rule; its kind and slug stay once it is made."""

    # What is to be made, where the page says so.
    asked_kind = ""

    slug = forms.SlugField(
        label=_("Slug"),
        max_length=80,
        required=False,
        help_text=_(
            "Its name in files and commands, after “filter:” and so on. Empty: one is "
            "made from the label."
        ),
    )
    condition = ConditionField(
        label=_("Condition"),
        required=False,
        help_text=_("Filtering: profiles that meet it are excluded."),
    )
    check_code = forms.ChoiceField(
        label=_("Check"),
        required=False,
        choices=lambda: (
            [("", "")]
            + [(c.code, gettext(str(c.label))) for c in controls.CHECKS.values()]
        ),
    )

    class Meta:
        model = TypologyRule
        fields = (
            *("kind", "slug", "label", "is_active", "condition", "maximum"),
            *("period_days", "channel", "uses_profile_limit", "check_code", "severity"),
            "inactive_note",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            # Declared fields are in every form: only those of its kind stay.
            own = (*FIELDS.get(self.instance.kind, ()), "label", "is_active")
            for name in set(self.fields) - set(own) | {"check_code"}:
                self.fields.pop(name, None)
        elif self.kind in FIELDS:
            for others in FIELDS.values():
                for name in set(others) - set(FIELDS[self.kind]):
                    self.fields.pop(name, None)
        if "kind" in self.fields:
            kind = self.fields["kind"]
            assert isinstance(kind, forms.ChoiceField)  # noqa: S101
            kind.choices = [c for c in Kind.choices if c[0] != Kind.NATIVE]
            kind.widget, kind.initial = forms.HiddenInput(), self.asked_kind
        if "label" in self.fields:
            self.fields["label"].required = False
            self.fields["label"].help_text = _("Empty: the rule in words.")

    @property
    def kind(self) -> str:
        return str(self.instance.kind or self.data.get("kind", "") or self.asked_kind)

    def clean(self) -> None:
        super().clean()
        needed: dict[str, tuple[str, ...]] = {
            Kind.FILTERING: ("condition",),
            Kind.FATIGUE: ("maximum", "period_days"),
            Kind.CONTROL: ("check_code", "severity"),
        }
        for name in needed.get(self.kind, ()):
            is_there = name in self.fields and name not in self.errors
            if is_there and not self.cleaned_data.get(name):
                self.add_error(name, _("This kind of rule needs it."))

        slug = self.cleaned_data.get("slug")
        code = f"{_PREFIX.get(self.kind, '')}:{slug}"
        if slug and TypologyRule.objects.filter(code=code).exists():
            self.add_error("slug", _("There is a rule with this slug already."))
        if self.kind == Kind.FATIGUE:
            self._check_limits()
        is_off = not self.cleaned_data.get("is_active", True)
        if (
            self.kind == Kind.CONTROL
            and is_off
            and not self.cleaned_data.get("inactive_note", "").strip()
        ):
            self.add_error("inactive_note", _("Say why the check is switched off."))

    def _check_limits(self) -> None:
        for name, most in (("maximum", 1000), ("period_days", 3650)):
            value = self.cleaned_data.get(name)
            if value is not None and not 1 <= value <= most:
                text = _("From 1 to {most}; 0 does not mean unlimited.")
                self.add_error(name, text.format(most=most))

    def _post_clean(self) -> None:
        """The writer makes and validates the row, not the form."""

    def write(self) -> TypologyRule:
        """Make or change the rule through its writer; raises Refused."""
        data = self.cleaned_data
        if self.instance.pk:
            changed = {name: data[name] for name in self.changed_data if name in data}
            row: TypologyRule = self.instance
            writing.change_rule(row, **changed)
            return row
        label = data["label"]
        slug = data["slug"] or limits.slug_of_rule(label or self._said())
        if self.kind == Kind.FILTERING:
            row = writing.create_filtering_rule(
                slug, condition=data["condition"], label=label
            )
        elif self.kind == Kind.FATIGUE:
            row = writing.create_fatigue_rule(
                slug,
                maximum=data["maximum"],
                period_days=data["period_days"],
                channel=data["channel"],
                uses_profile_limit=data["uses_profile_limit"],
                label=label,
            )
        else:
            row = writing.create_control_rule(
                slug, check=data["check_code"], severity=data["severity"], label=label
            )
        if not data["is_active"]:
            writing.change_rule(
                row, is_active=False, inactive_note=data.get("inactive_note", "")
            )
        return row

    def _said(self) -> str:
        """What the rule says, for its slug."""
        data = self.cleaned_data
        if self.kind == Kind.FILTERING:
            return str(conditions.sentence(data["condition"]))
        if self.kind == Kind.FATIGUE:
            where = data["channel"] or "any channel"
            return f"at most {data['maximum']} in {data['period_days']} days {where}"
        return str(data["check_code"])

    def as_row(self) -> TypologyRule:
        """The rule as the form has it now, not saved; raises Refused for a fault."""
        whole = RulesOnTrial(
            {name: v for name, v in self.data.items() if name != BUTTON},
            instance=self.instance,
        )
        if not whole.is_valid():
            first = next(iter(whole.errors.items()))
            raise Refused(f"{whole.fields[first[0]].label}: {first[1][0]}")
        row = TypologyRule(kind=self.kind, code=self.instance.code or "tried:rule")
        for name in FIELDS.get(self.kind, ()):
            setattr(row, name, whole.cleaned_data.get(name, getattr(row, name)))
        return row


class RulesOnTrial(RuleForm):
    """The same form without what a rule needs only when it is saved."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"slug", "kind"} & set(self.fields):
            self.fields[name].required = False
