"""What one person has in own fields, and their tags: on their page, and to edit."""

from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy as _, gettext_noop

from audiences import consent, fields, tags
from audiences.admin.people.panels import Panel, extensions
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.models import OwnField, Profile, Tag
from audiences.refusals import Sentence
from audiences.tags import BadTag

CHANGE = "audiences.change_profile"


class OwnFactsForm(forms.Form):
    """What a person has in own fields, and their tags."""

    tags = forms.CharField(
        label=_("Tags"),
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField", "list": "tags"}),
        help_text=_("With ; between them. A new word makes a new tag."),
    )

    def __init__(self, *args: Any, profile: Profile, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.profile = profile
        self.own = {f"field_{field.slug}": field for field in fields.all_fields()}
        have = fields.values_of([profile.pk]).get(profile.pk, {})
        for name, field in self.own.items():
            value = have.get(field.slug)
            self.fields[name] = field_of_form(field, initial=fields.as_text(value))
        held = tags.tags_of([profile.pk]).get(profile.pk, [])
        self.initial["tags"] = "; ".join(tag.name for tag in held)
        for name, each in self.fields.items():
            # A form of before does not say what it showed.
            is_said = self.add_initial_prefix(name) in self.data
            each.show_hidden_initial = is_said or not self.is_bound
        self.order_fields([*self.own, "tags"])

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for name, field in self.own.items():
            if text := str(data.get(name) or "").strip():
                try:
                    data[name] = fields.read_value(field, text)
                except ValueError as error:
                    self.add_error(name, str(error))
            else:
                data[name] = None
        try:
            data["names"] = tags.read_names(data.get("tags", ""))
        except BadTag as error:
            self.add_error("tags", str(error))
        self._refuse_overwriting()
        return data

    def _refuse_overwriting(self) -> None:
        """What somebody else changed meanwhile is told, and lost by no second save."""
        told = _(
            "Somebody else changed this to “{value}” meanwhile. Save again to put "
            "yours in its place."
        )
        data = self.data.dict()  # type: ignore[attr-defined]
        for name in self.fields:
            seen, present = self.add_initial_prefix(name), self._present(name)
            if self.data.get(seen, present) == present:
                continue
            mine = str(self.data.get(name, "")).strip()
            if name in self.changed_data and mine != present:
                self.add_error(name, told.format(value=present or gettext("empty")))
            elif name not in self.changed_data:
                data[name] = present
            data[seen] = present
        if self.errors:
            self.data = data

    def _present(self, name: str) -> str:
        field = self.fields[name]
        return str(self.initial.get(name, field.initial) or "")

    def save(self) -> bool:
        """Write what the operator changed; what others changed meanwhile stays."""
        changed = {
            field: self.cleaned_data[name]
            for name, field in self.own.items()
            if name in self.changed_data
        }
        is_changed = bool(changed) and fields.set_values(self.profile, changed)
        if "tags" in self.changed_data:
            is_changed |= tags.set_tags(self.profile, self.cleaned_data["names"])
        return is_changed


def field_of_form(field: OwnField, *, initial: str = "") -> forms.Field:
    """How a form asks for a value of the type."""
    if field.type in (OwnField.Type.CHOICE, OwnField.Type.YES_NO):
        yes_no = [("yes", gettext("Yes")), ("no", gettext("No"))]
        listed = [(c, c) for c in field.choices] or yes_no
        return forms.ChoiceField(
            label=field.label,
            choices=[("", "---------"), *listed],
            required=False,
            initial=initial,
        )
    attrs = {"class": "vTextField"}
    widgets = {
        OwnField.Type.DATE: forms.TextInput(attrs={"type": "date"}),
        OwnField.Type.NUMBER: forms.TextInput(attrs={**attrs, "inputmode": "decimal"}),
    }
    widget = widgets.get(OwnField.Type(field.type), forms.TextInput(attrs=attrs))
    return forms.CharField(
        label=field.label, required=False, initial=initial, widget=widget
    )


@page(
    Profile,
    "own_facts",
    "view",
    CHANGE,
    route="<int:pk>/own-facts/",
    title=_("Own fields and tags"),
)
def own_facts(own: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    with transaction.atomic():
        if request.method == "POST":
            # Of two who save at once the second sees what the first has saved.
            consent.lock(profile, "pk")
        form = OwnFactsForm(request.POST or None, profile=profile)
        if request.method == "POST" and form.is_valid():
            if form.save():
                names = [str(form.fields[name].label) for name in form.changed_data]
                text = gettext_noop("Changed: {names}.")
                said = Sentence(text, {"names": ", ".join(names)})
                return own.say_done(request, profile, said)
            return own.go_back(profile)
    return {"profile": profile, "form": form, "known_tags": Tag.objects.all()[:500]}


def _panel(request: HttpRequest, profile: Profile) -> Panel | None:
    """On the page of a person: what is known, and a link to change it."""
    have = fields.values_of([profile.pk]).get(profile.pk, {})
    held = tags.tags_of([profile.pk]).get(profile.pk, [])
    may_change = request.user.has_perm(CHANGE)
    known = fields.all_fields()
    if not known and not held and not may_change:
        return None
    facts = [(f.label, _shown(have[f.slug])) for f in known if f.slug in have]
    return Panel(
        gettext("Own fields and tags"),
        template="admin/audiences/profile/own_facts_panel.html",
        facts={
            "facts": facts,
            "tags": held,
            "number": len(facts) + len(held),
            "edit": reverse("admin:audiences_profile_own_facts", args=[profile.pk])
            if may_change
            else "",
        },
    )


def _shown(value: fields.Value) -> Any:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return value if not hasattr(value, "as_tuple") else fields.as_text(value)


extensions.panels.add("own facts", _panel)
