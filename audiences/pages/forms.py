"""The forms of the public pages, rendered by crispy-forms."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.html import escape, format_html
from django.utils.safestring import mark_safe

from audiences import addresses
from audiences.channels import Channel
from audiences.landing_pages import Content, ServiceOnPage
from audiences.models import LandingPage, Profile
from audiences.models.landing_pages import OWN
from audiences.models.profiles import LONGEST_EXTERNAL_ID, LONGEST_TEXT
from audiences.profiles import read_country
from audiences.signups.requesting import Wish
from audiences.visits import adding, wishing
from audiences.visits.choosing import Boxes
from audiences.visits.standing import Standing
from audiences.visits.visit import Visit
from audiences.wording import page_texts
from audiences.wording.markdown import sanitise

from . import own_fields, wish_forms
from .page_form import PageForm, ShownNow


class BoxesField(forms.MultipleChoiceField):
    """Check boxes; what is in `also` may come back ticked, and means nothing."""

    also: frozenset[str] = frozenset()

    def valid_value(self, value: Any) -> bool:
        return value in self.also or super().valid_value(value)


class ChoiceForm(PageForm):
    """Check boxes, details and the agreement of a page, as far as it has them."""

    def add_boxes(
        self, channels: Sequence[str], services: Sequence[ServiceOnPage]
    ) -> None:
        """The boxes that are offered, none of them ticked."""
        for name, choices in (
            ("channels", [(c, self.text(f"channels.{c}")) for c in channels]),
            ("services", [(str(s.pk), self._offer(s)) for s in services]),
        ):
            if choices:
                self.fields[name] = BoxesField(
                    label=self.text(f"page.{name}"),
                    choices=choices,
                    widget=forms.CheckboxSelectMultiple,
                    required=False,
                )

    def _offer(self, service: ServiceOnPage) -> str:
        """The name of a service, and what is said about it below."""
        label = service.label_in(self.language)
        about = service.about_in(self.language)
        if not about:
            return label
        return format_html('{} <span class="offer">{}</span>', label, about)

    def add_details(self, content: Content, profile: Profile | None = None) -> None:
        """Fields for the details of the profile that the page asks for."""
        for name in content["extra_fields"]:
            if name.startswith(OWN):
                continue
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
            channels = standing.channels(visit)
            self.add_boxes(channels, standing.offered)
            if "channels" in self.fields:
                # A form of before may have a box that reaches nobody any more.
                self.fields["channels"].also = frozenset(visit.channels)  # type: ignore[attr-defined]
            self.tick(
                standing.ticked_channels(channels),
                standing.ticked_services([s.pk for s in standing.offered]),
            )
        if visit.kind == LandingPage.Kind.PREFERENCES:
            wish_forms.add_wish(self, wishing.present(standing.wishes))
        self.may_add = adding.may_add(visit, standing)
        for channel in self.may_add:
            field = AddressField(channel, language, required=False)
            field.label = self.text(f"page.add_{channel}")
            field.help_text = self.text("page.add_hint")
            self.fields[f"add_{channel}"] = field
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
        self.fields["shown"] = forms.CharField(required=False, widget=ShownNow(now))

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

    @property
    def added(self) -> dict[str, str]:
        """The addresses that the visitor gives, by their channels."""
        given = {c: str(self.cleaned_data.get(f"add_{c}", "")) for c in self.may_add}
        return {channel: text for channel, text in given.items() if text}

    @property
    def wish(self) -> wishing.Wish | None:
        """How often messages may come, where the visitor has changed that."""
        data = self.cleaned_data
        wanted = data.get("wish", "")
        if not wanted or wanted == str(data.get("wish_shown", "")):
            return None
        return wishing.Wish(wanted)


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

    def __init__(self, by: str, language: str, *, required: bool = True) -> None:
        attrs, longest = _ADDRESS_WIDGETS[by]
        label = page_texts.text(language, f"unidentified.{by}")
        widget = forms.TextInput(attrs=attrs)
        super().__init__(
            label=label, max_length=longest, widget=widget, required=required
        )
        self.by, self.language = by, language

    def clean(self, value: Any) -> str:
        text = str(super().clean(value)).strip()
        if text and self.by in Channel.values:
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

    typed = "address"

    def __init__(self, *args: Any, content: Content, language: str, **kwargs: Any):
        super().__init__(*args, language=language, **kwargs)
        self.by = content["reconciles_by"]
        self.fields["address"] = AddressField(self.by, language)


class SignupForm(ChoiceForm):
    """What somebody without a personal link signs up for."""

    typed = "email"

    def __init__(self, *args: Any, content: Content, language: str, **kwargs: Any):
        super().__init__(*args, language=language, **kwargs)
        self.content = content
        self.fields["email"] = AddressField("email", language)
        if content["kind"] in LandingPage.CHOICE_KINDS:
            services = [ServiceOnPage.of(facts) for facts in content["services"]]
            self.add_boxes(content["channels"], services)
        self.add_details(content)
        own_fields.add_to_signup(self, content, language)
        if content["needs_agreement"]:
            self.add_agreement(content)

    def clean(self) -> None:
        super().clean()
        self.require_agreement()
        boxes = [name for name in ("services", "channels") if name in self.fields]
        is_ticked = any(self.cleaned_data.get(name) for name in boxes)
        if boxes and not is_ticked and not self.errors:
            # Nobody signs up for nothing; other errors come first.
            self.add_error(boxes[0], self.text("page.tick_one"))

    @property
    def wish(self) -> Wish:
        """What `request_signup` takes."""
        data = self.cleaned_data
        return {
            "email": data["email"],
            "fields": {**self.details(self.content), **own_fields.texts_in(self)},
            "channels": data.get("channels", []),
            "services": [int(pk) for pk in data.get("services", [])],
            "agreed": bool(data.get("agreement")),
        }
