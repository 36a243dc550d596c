"""Forms of operators: a profile, its addresses and subscriptions, an audience."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from . import addresses, membership
from .channels import FLAGS, Channel, Scope
from .condition_forms import BuilderForm, ConditionField
from .import_rows import read_country, read_language
from .models import Address, Audience, Profile, Service
from .refusals import Refused

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    ModelForm = forms.ModelForm[Any]
    ServiceField = forms.ModelChoiceField[Service]
else:
    ModelForm = forms.ModelForm
    ServiceField = forms.ModelChoiceField

FACTS = (
    *("first_name", "last_name", "external_id", "language", "country"),
    "message_limit",
)


class ProfileForm(ModelForm):
    """A profile as an operator saw it and as the operator wants it.

    The page carries each value that it showed, so that only what this operator changed
    is acted on. What somebody else changed meanwhile stays; where both changed the same
    fact the form says so instead of overwriting.
    """

    note = forms.CharField(
        label=_("Note"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_(
            "How the person asked for it. Kept in the consent history; needed to opt "
            "somebody in again."
        ),
    )

    # Set for each request by what the operator may do.
    may_opt_out = may_opt_in = True

    class Meta:
        model = Profile
        fields = (*FACTS, *FLAGS.values())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.show_hidden_initial = name != "note"

    @property
    def opted_out(self) -> list[str]:
        """The scopes whose box the operator ticked."""
        return self._flags(ticked=True)

    @property
    def opted_in(self) -> list[str]:
        """The scopes whose box the operator cleared."""
        return self._flags(ticked=False)

    def _flags(self, *, ticked: bool) -> list[str]:
        return [
            scope
            for scope, flag in FLAGS.items()
            if flag in self.changed_data and self.cleaned_data[flag] is ticked
        ]

    @property
    def changed_facts(self) -> list[str]:
        """The names of the fields, flags aside, that the operator changed."""
        return [name for name in FACTS if name in self.changed_data]

    def clean_language(self) -> str:
        return _read(read_language, self.cleaned_data["language"])

    def clean_country(self) -> str:
        return _read(read_country, self.cleaned_data["country"])

    def clean(self) -> None:
        super().clean()
        if self.errors:
            return
        opted_out, opted_in = self.opted_out, self.opted_in
        if opted_out and not self.may_opt_out:
            self._refuse(opted_out, _("You may not opt people out."))
        if opted_in and not self.may_opt_in:
            self._refuse(opted_in, _("You may not opt people in."))
        if opted_in and not self.cleaned_data["note"].strip():
            self.add_error(
                "note",
                _("An opt-in needs a note that says how the person asked for it."),
            )
        for name in self.changed_facts if self.instance.pk else ():
            self._refuse_overwriting(name)

    def _refuse(self, scopes: list[str], message: "StrOrPromise") -> None:
        for scope in scopes:
            self.add_error(FLAGS[Scope(scope)], message)

    def _refuse_overwriting(self, name: str) -> None:
        seen = self.data.get(self.add_initial_prefix(name))
        present = str(self.initial.get(name) or "")
        if seen is None or present in (seen, str(self.cleaned_data[name] or "")):
            return
        message = _("Somebody else changed this to “{value}” meanwhile.")
        self.add_error(name, message.format(value=present))


def _read(reader: Any, text: str) -> str:
    if not text:
        return ""
    try:
        return str(reader(text))
    except ValueError as error:
        raise forms.ValidationError(str(error)) from error


class AddressForm(forms.Form):
    """An address to give to a profile."""

    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices)
    address = forms.CharField(label=_("Address"), strip=True)
    primary = forms.BooleanField(
        label=_("Primary: deliveries go to it"), required=False
    )

    def save(self, profile: Profile) -> Address | None:
        """Attach the address; None, with an error at the field, when it is refused."""
        data = self.cleaned_data
        try:
            return addresses.attach(
                profile, data["channel"], data["address"], primary=data["primary"]
            )
        except addresses.InvalidAddress as error:
            self.add_error("address", str(error))
            return None


class SubscriptionForm(forms.Form):
    """A service to subscribe a profile to."""

    service = ServiceField(label=_("Service"), queryset=Service.objects.all())
    note = forms.CharField(label=_("Note"), required=False)


class AudienceForm(BuilderForm, ModelForm):
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
