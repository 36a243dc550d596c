"""The forms of the public pages, rendered by crispy-forms."""

from collections.abc import Sequence
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.html import escape
from django.utils.safestring import mark_safe

from audiences import addresses
from audiences.channels import Channel
from audiences.landing_pages import Content, ServiceOnPage
from audiences.models import LandingPage, Profile
from audiences.models.profiles import LONGEST_EXTERNAL_ID, LONGEST_TEXT
from audiences.profiles import read_country
from audiences.signups.requesting import Wish
from audiences.visits.choosing import Boxes
from audiences.visits.standing import Standing
from audiences.visits.visit import Visit
from audiences.wording import page_texts
from audiences.wording.markdown import sanitise

from . import own_fields


class PageForm(forms.Form):
    """A form in the language of the page; its template has the form tag and button."""

    def __init__(self, *args: Any, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language = language
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True  # the signed link stands for it

    def text(self, path: str, **values: object) -> str:
        return page_texts.text(self.language, path, **values)


class ChoiceForm(PageForm):
    """Check boxes, details and the agreement of a page, as far as it has them."""

    def add_boxes(
        self, channels: Sequence[str], services: Sequence[ServiceOnPage]
    ) -> None:
        """The boxes that are offered, none of them ticked."""
        for name, choices in (
            ("channels", [(c, self.text(f"channels.{c}")) for c in channels]),
            ("services", [(str(s.pk), s.offer_in(self.language)) for s in services]),
        ):
            if choices:
                self.fields[name] = forms.MultipleChoiceField(
                    label=self.text(f"page.{name}"),
                    choices=choices,
                    widget=forms.CheckboxSelectMultiple,
                    required=False,
                )

    def add_details(self, content: Content, profile: Profile | None = None) -> None:
        """Fields for the details of the profile that the page asks for."""
        for name in content["extra_fields"]:
            initial = getattr(profile, name, "")
            label = self.text(f"fields.{name}")
            if name == "language":
                self.fields[name] = _language_field(self, label, initial)
                continue
            self.fields[name] = forms.CharField(
                label=label,
                initial=initial,
                required=False,
                max_length=2 if name == "country" else LONGEST_TEXT,
                help_text=self.text("fields.country_hint") if name == "country" else "",
                widget=forms.TextInput(attrs={"autocomplete": _AUTOCOMPLETE[name]}),
            )

    def add_agreement(self, content: Content) -> None:
        """The box of the agreement; whether it is needed depends on the act."""
        html = sanitise(content["texts"][self.language]["html"]["agreement"])
        label = html.strip().removeprefix("<p>").removesuffix("</p>")
        service = content["service"]
        messages = ServiceOnPage.of(service).label_in(self.language) if service else ""
        self.fields["agreement"] = forms.BooleanField(
            label=mark_safe(page_texts.fill(label, messages=escape(messages))),  # noqa: S308
            required=False,
        )

    def details(self, content: Content) -> dict[str, str]:
        """The details of the profile as the visitor wants them."""
        names = content["extra_fields"]
        return {n: self.cleaned_data[n] for n in names if n in self.cleaned_data}

    def require_agreement(self) -> bool:
        """Whether the agreement is there, if it is needed; else an error says so."""
        if "agreement" not in self.fields or self.cleaned_data.get("agreement"):
            return True
        self.add_error("agreement", self.text("page.agreement_needed"))
        return False

    def clean_country(self) -> str:
        text = str(self.cleaned_data["country"]).strip()
        try:
            return read_country(text) if text else ""
        except ValueError as error:
            raise forms.ValidationError(self.text("fields.country_wrong")) from error


class _Shown(forms.HiddenInput):
    """A hidden field that says what is true now, also in a form that comes back."""

    def __init__(self, now: str) -> None:
        super().__init__()
        self.now = now

    def format_value(self, value: Any) -> str:
        return self.now


class VisitForm(ChoiceForm):
    """The form of an identified visitor, as far as the page and the link allow."""

    def __init__(
        self,
        data: QueryDict | None,
        *,
        visit: Visit,
        standing: Standing,
        language: str,
    ) -> None:
        super().__init__(data, language=language)
        if visit.kind in LandingPage.CHOICE_KINDS:
            self.add_boxes(visit.channels, standing.offered)
            self.tick(
                standing.ticked_channels(visit.channels),
                standing.ticked_services([s.pk for s in standing.offered]),
            )
        if visit.kind in LandingPage.BUTTON_KINDS:
            return
        if visit.proved:
            self.add_details(visit.content, visit.profile)
            own_fields.add_to(self, visit, language)
        if visit.content["needs_agreement"]:
            self.add_agreement(visit.content)

    def tick(self, channels: list[str], services: list[int]) -> None:
        """Tick boxes, and say in the form which, for when it comes back."""
        self.initial.update(channels=channels, services=[*map(str, services)])
        now = " ".join([*channels, *map(str, services)])
        self.fields["shown"] = forms.CharField(required=False, widget=_Shown(now))

    @property
    def shown(self) -> Boxes:
        """The boxes that were ticked when the form was made, as it says itself."""
        words = str(self.cleaned_data.get("shown", "")).split()
        services = [word for word in words if word.isascii() and word.isdigit()]
        return Boxes(frozenset(words), frozenset(map(int, services)))

    @property
    def ticked(self) -> Boxes:
        """The boxes that the visitor ticked."""
        data = self.cleaned_data
        return Boxes(
            frozenset(data.get("channels", ())),
            frozenset(int(pk) for pk in data.get("services", ())),
        )


# WCAG 2.2, 1.3.5: what a field is for.
_AUTOCOMPLETE = {
    "first_name": "given-name",
    "last_name": "family-name",
    "country": "country",
}


def _language_field(form: PageForm, label: str, initial: str) -> forms.ChoiceField:
    choices = [("", form.text("fields.no_choice")), *settings.LANGUAGES]
    if initial and initial not in dict(choices):
        choices.append((initial, initial))
    return forms.ChoiceField(
        label=label, choices=choices, required=False, initial=initial
    )


class AddressField(forms.CharField):
    """An address, a number or an id that a visitor gives; nothing is looked up."""

    def __init__(self, by: str, language: str) -> None:
        attrs, longest = _ADDRESS_WIDGETS[by]
        label = page_texts.text(language, f"unidentified.{by}")
        widget = forms.TextInput(attrs=attrs)
        super().__init__(label=label, max_length=longest, widget=widget)
        self.by, self.language = by, language

    def clean(self, value: Any) -> str:
        text = str(super().clean(value)).strip()
        if self.by in Channel.values:
            try:
                addresses.normalise(self.by, text)
            except addresses.InvalidAddress as error:
                wrong = page_texts.text(self.language, f"unidentified.wrong_{self.by}")
                raise forms.ValidationError(wrong) from error
        return text


_ADDRESS_WIDGETS: dict[str, tuple[dict[str, str], int]] = {
    "email": ({"type": "email", "autocomplete": "email", "inputmode": "email"}, 254),
    "sms": ({"type": "tel", "autocomplete": "tel", "inputmode": "tel"}, 40),
    "external_id": ({"autocomplete": "off"}, LONGEST_EXTERNAL_ID),
}


class AddressForm(PageForm):
    """Where a visitor without a personal link gets one."""

    def __init__(self, *args: Any, content: Content, language: str, **kwargs: Any):
        super().__init__(*args, language=language, **kwargs)
        self.by = content["reconciles_by"]
        self.fields["address"] = AddressField(self.by, language)


class SignupForm(ChoiceForm):
    """What somebody without a personal link signs up for."""

    def __init__(self, *args: Any, content: Content, language: str, **kwargs: Any):
        super().__init__(*args, language=language, **kwargs)
        self.content = content
        self.fields["email"] = AddressField("email", language)
        if content["kind"] in LandingPage.CHOICE_KINDS:
            services = [ServiceOnPage.of(facts) for facts in content["services"]]
            self.add_boxes(content["channels"], services)
        self.add_details(content)
        if content["needs_agreement"]:
            self.add_agreement(content)

    def clean(self) -> None:
        super().clean()
        self.require_agreement()

    @property
    def wish(self) -> Wish:
        """What `request_signup` takes."""
        data = self.cleaned_data
        return {
            "email": data["email"],
            "fields": self.details(self.content),
            "channels": data.get("channels", []),
            "services": [int(pk) for pk in data.get("services", [])],
            "agreed": bool(data.get("agreement")),
        }
