"""The form of a profile: facts, and the section *No longer contact*."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from audiences import consent
from audiences.channels import FLAGS, Scope
from audiences.console import errors
from audiences.models import ConsentEvent, Profile
from audiences.profiles import read_country, read_language
from audiences.refusals import Remedy
from audiences.suppression.restriction import RESTRICTED, is_restricted

FACTS = (
    *("first_name", "last_name", "external_id", "language", "country"),
    "message_limit",
)

# What a person is known by; addresses come afterwards.
NAMES = ("first_name", "last_name", "external_id")


class ProfileForm(forms.ModelForm[Any]):
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

    def clean_external_id(self) -> str | None:
        """Whoever has it already is named, and can be looked at."""
        given: str | None = self.cleaned_data["external_id"]
        others = Profile.objects.exclude(pk=self.instance.pk)
        other = others.filter(external_id=given).first() if given else None
        if other:
            text = _("Another profile has this external id already.")
            raise errors.Fault(str(text), remedy=Remedy("person", other.pk))
        return given

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
        if not self.instance.pk and not any(self.cleaned_data.get(n) for n in NAMES):
            self.add_error(
                "first_name",
                _("Give a name or an external id, so that the person is found again."),
            )
        if self.instance.pk:
            for name in FACTS:
                if name in self.fields:  # not where the operator only reads it
                    self._refuse_overwriting(name)
            self._refuse_older_decisions()
            self._refuse_restricted()
        if self.errors:
            self._show_present_state()

    def _refuse_restricted(self) -> None:
        """Of restricted data nothing is changed, but a channel may be closed."""
        changed = [*self.changed_facts, *(FLAGS[Scope(s)] for s in self.opted_in)]
        if changed and is_restricted(consent.lock(self.instance, "pk").pk):
            for name in changed:
                self.add_error(name, str(RESTRICTED))

    def _refuse(self, scopes: list[str], message: StrOrPromise) -> None:
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
