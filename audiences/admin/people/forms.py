"""Forms of operators: a profile, its addresses and subscriptions, an audience."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from audiences.addresses import books as addresses
from audiences.admin.audiences.condition_forms import BuilderForm, ConditionField
from audiences.channels import FLAGS, Channel, Scope
from audiences.imports import runs as import_runs
from audiences.imports.people_rows import read_country, read_language
from audiences.membership import members as membership
from audiences.models import (
    Address,
    Audience,
    BulkAct,
    ConsentEvent,
    ImportRun,
    Profile,
    Service,
)
from audiences.refusals import Refused
from audiences.selections import bulk_acts

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

    # The last event of the consent history that the page showed.
    seen_event = forms.IntegerField(required=False, widget=forms.HiddenInput)
    # Set for each request by what the operator may do.
    may_opt_out = may_opt_in = True

    class Meta:
        model = Profile
        fields = (*FACTS, *FLAGS.values())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.meanwhile: list[str] = []
        for name, field in self.fields.items():
            field.show_hidden_initial = name not in ("note", "seen_event")
        if self.instance.pk:
            last = ConsentEvent.objects.filter(profile_id=self.instance.pk)
            self.initial["seen_event"] = (
                last.order_by("-id").values_list("id", flat=True).first() or 0
            )

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
            if flag in self.changed_data and self.cleaned_data.get(flag) is ticked
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
        if self.instance.pk:
            for name in FACTS:
                if name in self.fields:  # not where the operator only reads it
                    self._refuse_overwriting(name)
            self._refuse_older_decisions()
        if self.errors:
            self._show_present_state()

    def _refuse(self, scopes: list[str], message: "StrOrPromise") -> None:
        for scope in scopes:
            self.add_error(FLAGS[Scope(scope)], message)

    def _refuse_overwriting(self, name: str) -> None:
        """A field that both changed is an error; one that only others changed stays."""
        seen = self.data.get(self.add_initial_prefix(name))
        present = str(self.initial.get(name) or "")
        if seen is None or present in (seen, str(self.cleaned_data[name] or "")):
            return
        if name in self.changed_facts:
            message = _(
                "Somebody else changed this to “{value}” meanwhile. Save again to put "
                "yours in its place."
            )
            self.add_error(name, message.format(value=present))
        else:
            self.meanwhile.append(str(self.fields[name].label))

    def _refuse_older_decisions(self) -> None:
        """An opt-in was decided before an opt-out that came in since: ask again."""
        seen = self.cleaned_data.get("seen_event")
        if seen is None:
            return
        newer = ConsentEvent.objects.filter(profile_id=self.instance.pk, id__gt=seen)
        for event in newer.exclude(channel="").order_by("id"):
            label = event.get_channel_display()
            if event.channel in self.opted_in and event.kind == "opt_out":
                message = _(
                    "The person opted out again meanwhile ({source}). Save again if "
                    "you still want to opt them in."
                )
                source = event.get_source_display()
                self.add_error(
                    FLAGS[Scope(event.channel)], message.format(source=source)
                )
            else:
                self.meanwhile.append(f"{event.get_kind_display()}: {label}")

    def _show_present_state(self) -> None:
        """The page is shown again with what is there now, so that saving again works.

        What the operator wrote stays; only what the page says that it has seen is new.
        """
        data: Any = dict(self.data.items())
        for name in self.fields:
            seen = self.add_initial_prefix(name)
            if seen not in data or name == "seen_event":
                continue
            present = self.initial.get(name)
            if name not in self.changed_data:
                self._take_over(data, name, present)
            data[seen] = "" if present is None else str(present)
        if "seen_event" in data:
            data["seen_event"] = str(self.initial.get("seen_event") or 0)
        self.data = data

    def _take_over(self, data: Any, name: str, present: Any) -> None:
        """A field that the operator did not touch shows what is there now."""
        if name not in FLAGS.values():
            data[name] = "" if present is None else str(present)
        elif present:
            data[name] = "on"
        else:
            data.pop(name, None)


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
    note = forms.CharField(
        label=_("Note"),
        required=False,
        help_text=_("How the person asked for it. Needed to subscribe somebody again."),
    )


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


class BulkActForm(forms.Form):
    """What a change of many people must be told besides whom it is about."""

    # None is chosen beforehand: "any channel" must not be confirmed by oversight.
    scope = forms.ChoiceField(
        label=_("Channel"), choices=[("", "---------"), *Scope.choices]
    )
    service = ServiceField(
        label=_("Service"), queryset=Service.objects.all(), to_field_name="slug"
    )
    note = forms.CharField(
        label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, act: bulk_acts.Act, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.act = act
        for name in ("scope", "service"):
            if name not in act.asks:
                del self.fields[name]
        self.fields["note"].required = act.needs_note
        self.fields["note"].help_text = (
            _("How the people asked for it. Kept in the history of each.")
            if act.needs_note
            else _("Kept in the history of each.")
        )

    def begin(self, chosen: dict[str, str], *, actor: str) -> BulkAct | None:
        """Begin the change; None, with an error, when it is refused."""
        details = {
            name: str(getattr(value, "slug", value))
            for name, value in self.cleaned_data.items()
            if name != "note"
        }
        try:
            return bulk_acts.begin(
                self.act.code,
                chosen,
                actor=actor,
                note=self.cleaned_data["note"],
                details=details,
            )
        except Refused as refusal:
            self.add_error(None, str(refusal))
            return None


class ImportForm(forms.Form):
    """A file of people, and how it is to be read."""

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "Comma, semicolon or tab; the first line names the columns. Nothing "
            "changes yet: you see first what would change."
        ),
    )
    ignore_unknown = forms.BooleanField(
        label=_("Leave out columns whose name is not known"), required=False
    )
    allow_opt_in = forms.BooleanField(
        label=_("“No” in a no_longer_contact column opts people in"),
        required=False,
        help_text=_("Otherwise “no” leaves an opt-out as it is. Needs a note."),
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("How the people asked for it. Kept in the history of each."),
    )

    def upload(self, *, actor: str) -> ImportRun | None:
        """Keep the file and begin to look through it; None when it is refused."""
        data = self.cleaned_data
        try:
            return import_runs.upload(
                data["file"].name,
                data["file"].chunks(),
                actor=actor,
                ignore_unknown=data["ignore_unknown"],
                allow_opt_in=data["allow_opt_in"],
                note=data["note"],
            )
        except Refused as refusal:
            about_note = data["allow_opt_in"] and not data["note"].strip()
            self.add_error("note" if about_note else "file", str(refusal))
            return None
