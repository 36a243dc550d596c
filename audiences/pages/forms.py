"""The forms of the public pages, rendered by crispy-forms."""

from collections.abc import Sequence
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.conf import settings
from django.utils.html import escape
from django.utils.safestring import mark_safe

from audiences import addresses
from audiences.landing_pages import Content, ServiceOnPage
from audiences.models import LandingPage, Profile
from audiences.models.profiles import LONGEST_EXTERNAL_ID, LONGEST_TEXT
from audiences.profiles import read_country
from audiences.signups.requesting import Wish
from audiences.visits.choices import Boxes
from audiences.visits.standing import Standing
from audiences.visits.visit import Visit
from audiences.wording import page_texts
from audiences.wording.markdown import sanitise

NO_CHOICE = ""


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
        if channels:
            self.fields["channels"] = forms.MultipleChoiceField(
                label=self.text("page.channels"),
                choices=[(c, self.text(f"channels.{c}")) for c in channels],
                widget=forms.CheckboxSelectMultiple,
                required=False,
            )
        if services:
            self.fields["services"] = forms.MultipleChoiceField(
                label=self.text("page.services"),
                choices=[(str(s.pk), s.offer_in(self.language)) for s in services],
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


class _Present(forms.HiddenInput):
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
        *args: Any,
        visit: Visit,
        standing: Standing,
        language: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, language=language, **kwargs)
        if visit.kind in LandingPage.CHOICE_KINDS:
            self.add_boxes(visit.channels, standing.offered)
            self.tick(
                standing.ticked_channels(visit.channels),
                standing.ticked_services([s.pk for s in standing.offered]),
            )
        if visit.link.is_fresh and visit.kind not in _NO_DETAILS:
            self.add_details(visit.content, visit.profile)
        if visit.content["needs_agreement"] and visit.kind not in _NO_DETAILS:
            self.add_agreement(visit.content)

    def tick(self, channels: list[str], services: list[int]) -> None:
        """Tick boxes, and say in the form which, for when it comes back."""
        self.initial.update(channels=channels, services=[*map(str, services)])
        now = " ".join([*channels, *map(str, services)])
        self.fields["shown"] = forms.CharField(
            required=False, initial=now, widget=_Present(now)
        )

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


_NO_DETAILS = (LandingPage.Kind.UNSUBSCRIPTION, LandingPage.Kind.DENYLIST)


# WCAG 2.2, 1.3.5: what a field is for.
_AUTOCOMPLETE = {
    "first_name": "given-name",
    "last_name": "family-name",
    "country": "country",
}


def _language_field(form: PageForm, label: str, initial: str) -> forms.ChoiceField:
    choices = [(NO_CHOICE, form.text("fields.no_choice")), *settings.LANGUAGES]
    if initial and initial not in dict(choices):
        choices.append((initial, initial))
    return forms.ChoiceField(
        label=label, choices=choices, required=False, initial=initial
    )


class AddressForm(PageForm):
    """Where a visitor without a personal link gets one; on sign-up pages also details.

    Nothing is looked up: the form cannot tell whether the address is known.
    """

    def __init__(self, *args: Any, content: Content, language: str, **kwargs: Any):
        super().__init__(*args, language=language, **kwargs)
        self.content = content
        self.by = str(content["reconciles_by"])
        label = self.text(f"unidentified.{self.by}")
        attrs, longest = _ADDRESS_WIDGETS[self.by]
        self.fields["address"] = forms.CharField(
            label=label, max_length=longest, widget=forms.TextInput(attrs=attrs)
        )

    def clean_address(self) -> str:
        value = str(self.cleaned_data["address"]).strip()
        if self.by == LandingPage.ReconciledBy.EXTERNAL_ID:
            return value
        try:
            addresses.normalise(self.by, value)
        except addresses.InvalidAddress as error:
            raise forms.ValidationError(
                self.text(f"unidentified.wrong_{self.by}")
            ) from error
        return value


_ADDRESS_WIDGETS: dict[str, tuple[dict[str, str], int]] = {
    "email": ({"type": "email", "autocomplete": "email", "inputmode": "email"}, 254),
    "sms": ({"type": "tel", "autocomplete": "tel", "inputmode": "tel"}, 40),
    "external_id": ({"autocomplete": "off"}, LONGEST_EXTERNAL_ID),
}


class SignupForm(ChoiceForm):
    """What somebody without a personal link signs up for; nothing is looked up."""

    def __init__(self, *args: Any, content: Content, language: str, **kwargs: Any):
        super().__init__(*args, language=language, **kwargs)
        self.content = content
        attrs, longest = _ADDRESS_WIDGETS["email"]
        self.fields["email"] = forms.CharField(
            label=self.text("unidentified.email"),
            max_length=longest,
            widget=forms.TextInput(attrs=attrs),
        )
        if content["kind"] in LandingPage.CHOICE_KINDS:
            services = [ServiceOnPage.of(facts) for facts in content["services"]]
            self.add_boxes(content["channels"], services)
        self.add_details(content)
        if content["needs_agreement"]:
            self.add_agreement(content)

    def clean_email(self) -> str:
        value = str(self.cleaned_data["email"]).strip()
        try:
            addresses.normalise("email", value)
        except addresses.InvalidAddress as error:
            raise forms.ValidationError(
                self.text("unidentified.wrong_email")
            ) from error
        return value

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
