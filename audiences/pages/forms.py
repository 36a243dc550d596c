"""The forms of the public pages, rendered by crispy-forms."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.html import escape, format_html
from django.utils.safestring import mark_safe

from audiences.landing_pages import Content, ServiceOnPage
from audiences.models import LandingPage, Profile
from audiences.models.landing_pages import OWN
from audiences.models.profiles import LONGEST_TEXT
from audiences.profiles import read_country
from audiences.signups.requesting import Wish
from audiences.visits import adding, removing, wishing
from audiences.visits.standing import Boxes, Standing
from audiences.visits.submissions import Submission, last_event
from audiences.visits.visit import Visit
from audiences.wording import page_texts
from audiences.wording.markdown import sanitise

from . import own_fields, wish_forms
from .address_forms import AddressField
from .page_form import PageForm, ShownThen


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
        given = [n for n in content["extra_fields"] if n in self.cleaned_data]
        return {n: self.cleaned_data[n] for n in given if self.is_touched(n)}

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
        self.may_remove: dict[str, removing.Offered] = {}
        if visit.kind in LandingPage.CHOICE_KINDS:
            channels = standing.channels(visit)
            self.add_boxes(channels, standing.offered)
            if "channels" in self.fields:
                # A form of before may have a box that reaches nobody any more.
                self.fields["channels"].also = frozenset(visit.channels)  # type: ignore[attr-defined]
            self.may_remove = removing.removable(visit, standing)
            self.tick(
                standing.ticked_channels(channels),
                standing.ticked_services([s.pk for s in standing.offered]),
                last_event(visit.link.profile_id),
            )
        if visit.kind == LandingPage.Kind.PREFERENCES:
            wish_forms.add_wish(self, wishing.present(standing.wishes))
        self.may_add = adding.may_add(visit, standing)
        for channel in self.may_add:
            field = AddressField(channel, language, required=False)
            field.label = self.text(f"page.add_{channel}")
            field.help_text = self.text("page.add_hint")
            self.fields[f"add_{channel}"] = field
        for channel, offered in self.may_remove.items():
            self.fields[f"remove_{channel}"] = forms.BooleanField(
                label=self.text(f"page.remove_{channel}", address=offered.shown),
                help_text=self.text("page.remove_hint"),
                required=False,
            )
        if visit.kind in LandingPage.BUTTON_KINDS:
            return
        if visit.proved:
            self.add_details(visit.content, visit.profile)
            own_fields.add_to(self, visit, language)
            details = [n for n in visit.content["extra_fields"] if n in self.fields]
            self.keep([*details, *own_fields.names_in(self)])
        if visit.content["needs_agreement"]:
            self.add_agreement(visit.content)
        self.say_what_is_optional()

    def tick(self, channels: list[str], services: list[int], after: int) -> None:
        """Tick boxes, and say in the form which, for when it comes back.

        With the person's last event: what they stop after it, no tick brings back. And
        with the marks of the addresses that a box would take away.
        """
        self.initial.update(channels=channels, services=[*map(str, services)])
        marks = [offered.mark for offered in self.may_remove.values()]
        now = " ".join([*channels, *map(str, services), f"@{after}", *marks])
        self.fields["shown"] = forms.CharField(required=False, widget=ShownThen(now))

    @property
    def boxes(self) -> Submission:
        """What was ticked, and what was shown so when the form was made."""
        data = self.cleaned_data
        gone = self.removed
        ticked = Boxes(
            frozenset(data.get("channels", ())) - gone,
            frozenset(int(pk) for pk in data.get("services", ())),
        )
        if "shown" not in self.data:
            return Submission(ticked)
        words = str(data.get("shown", "")).split()
        numbers = [word for word in words if _is_number(word)]
        marks = [word[1:] for word in words if word[0] == "@" and _is_number(word[1:])]
        shown = Boxes(frozenset(words) - gone, frozenset(map(int, numbers)))
        return Submission(ticked, shown, int(marks[0]) if marks else None)

    @property
    def removed(self) -> frozenset[str]:
        """The channels whose address the visitor takes away: it decides about them."""
        return self._to_remove - self.replaced

    @property
    def replaced(self) -> frozenset[str]:
        """The channels that have another address than the one to take away."""
        then = str(self.cleaned_data.get("shown", "")).split()
        return frozenset(
            channel
            for channel in self._to_remove
            if any(word.startswith(f"{channel}=") for word in then)
            and self.may_remove[channel].mark not in then
        )

    @property
    def _to_remove(self) -> frozenset[str]:
        data = self.cleaned_data
        return frozenset(c for c in self.may_remove if data.get(f"remove_{c}"))

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


def _is_number(word: str) -> bool:
    """Whether it can be an id; longer ones are nobody's."""
    return word.isascii() and word.isdigit() and len(word) < 19


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
            self.fields["agreement"].required = True
            needed = self.text("page.agreement_needed")
            self.fields["agreement"].error_messages["required"] = needed
        self.say_what_is_optional()

    def clean(self) -> None:
        super().clean()
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
