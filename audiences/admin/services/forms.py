"""The form of a service: its facts, its names and its messages in every language."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy, slugify
from django.utils.translation import gettext as _, gettext_lazy

from audiences.channels import Channel
from audiences.models import Service
from audiences.models.services import LONGEST_LABEL
from audiences.subscriptions import messages
from audiences.subscriptions.messages import FIELDS
from audiences.wording import page_texts

LONGEST_SUBJECT = 200
FACTS = (
    *("label", "slug", "channel"),
    *("double_opt_in", "validity_days", "is_closed", "on_preference_page"),
    *("subscription_page", "unsubscription_page"),
    *("request_message", "subscribed_message", "unsubscribed_message"),
)
TEXTS = {
    "label": gettext_lazy("Name in {language}"),
    "description": gettext_lazy("Description in {language}"),
}
PARTS = {
    "subject": gettext_lazy("Subject in {language}"),
    "text": gettext_lazy("Text in {language}"),
}


def text_fields() -> list[tuple[str, ...]]:
    """The names of the fields for what people read, by language."""
    return [
        tuple(f"{part}_{code}" for part in TEXTS)
        for code, _name in page_texts.languages()
    ]


def message_fields(way: str) -> list[str]:
    """The names of the fields for the texts of one message."""
    return [
        f"{way}_{part}_{code}"
        for code, _name in page_texts.languages()
        for part in PARTS
    ]


def places_of(way: str) -> str:
    """What a text of the message may have in its places, for the help."""
    return ", ".join(f"{{{{ {name} }}}}" for name in FIELDS[way])


class _ServiceForm(forms.ModelForm[Any]):
    """Texts and messages are kept by language in the service itself."""

    class Meta:
        model = Service
        fields = FACTS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False
            self.fields["slug"].help_text = _(
                "Its name in commands and addresses. Empty: made from the label."
            )
        for name in self.fields:
            if name in FACTS:
                continue
            way, part, code = _parts(name)
            kept = self.instance.messages.get(way, {}) if way else self.instance.texts
            self.fields[name].initial = kept.get(code, {}).get(part, "")

    def clean_slug(self) -> str:
        """Made from the label, with a number where another service has it."""
        given = str(self.cleaned_data.get("slug", ""))
        label = str(self.cleaned_data.get("label", ""))
        if given or not label:
            return given
        made = slugify(label)[:40].strip("-") or "service"
        held = Service.objects.filter(slug__startswith=made)
        taken = set(held.values_list("slug", flat=True))
        numbered = (f"{made}-{number}" for number in range(2, len(taken) + 3))
        return next(slug for slug in (made, *numbered) if slug not in taken)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if set(TEXTS) & {name.partition("_")[0] for name in self.fields}:
            self.instance.texts = self._texts(data)
            self.instance.messages = {
                way: texts for way in Service.WAYS if (texts := self._message(way))
            }
        for name, kind in _PAGES.items():
            self._check_page(name, kind)
        return data

    def _texts(self, data: dict[str, Any]) -> dict[str, dict[str, str]]:
        found = {
            code: {part: data.get(f"{part}_{code}", "") for part in TEXTS}
            for code, _name in page_texts.languages()
        }
        return {code: texts for code, texts in found.items() if any(texts.values())}

    def _message(self, way: str) -> dict[str, dict[str, str]]:
        """The texts of one message, with every mistake at its field."""
        by_sms = (
            self.cleaned_data.get("channel") or self.instance.channel
        ) == Channel.SMS
        found: dict[str, dict[str, str]] = {}
        for code, language in page_texts.languages():
            subject = self.cleaned_data.get(f"{way}_subject_{code}", "")
            text = self.cleaned_data.get(f"{way}_text_{code}", "")
            if not (subject or text):
                continue
            found[code] = {"subject": subject, "text": text}
            self._check(way, code, subject, text)
            if not text:
                self.add_error(
                    f"{way}_text_{code}",
                    _("The message in {language} has a subject and no text.").format(
                        language=language
                    ),
                )
            elif not subject and not by_sms:
                self.add_error(
                    f"{way}_subject_{code}",
                    _("The message in {language} needs a subject.").format(
                        language=language
                    ),
                )
        wanted = self.cleaned_data.get(f"{way}_message") == Service.Confirms.CUSTOM
        if wanted and not found:
            self.add_error(
                f"{way}_message",
                _("Write its text below, in at least one language."),
            )
        return found

    def _check(self, way: str, code: str, subject: str, text: str) -> None:
        wrong = messages.problems(way, subject, is_subject=True)
        if wrong:
            self.add_error(f"{way}_subject_{code}", ValidationError(list(wrong)))
        wrong = messages.problems(way, text) if text else []
        if wrong:
            self.add_error(f"{way}_text_{code}", ValidationError(list(wrong)))

    def _check_page(self, name: str, kind: str) -> None:
        page = self.cleaned_data.get(name)
        if page is None:
            return
        if page.kind != kind:
            self.add_error(name, _("Choose a page of the right kind."))
        elif page.service_id and page.service_id != self.instance.pk:
            self.add_error(name, _("This page is about another service."))


_PAGES = {"subscription_page": "subscription", "unsubscription_page": "unsubscription"}


def _parts(name: str) -> tuple[str, str, str]:
    """The message (or an empty text), the part and the language of a field's name."""
    *way, part, code = name.split("_")
    return "_".join(way), part, code


def _declared() -> dict[str, forms.Field]:
    found: dict[str, forms.Field] = {}
    for code, language in page_texts.languages():
        for part, label in TEXTS.items():
            found[f"{part}_{code}"] = forms.CharField(
                label=format_lazy(label, language=language),
                required=False,
                max_length=LONGEST_LABEL if part == "label" else 1000,
                widget=forms.TextInput(attrs={"class": "vTextField", "lang": code}),
            )
        for way in Service.WAYS:
            found[f"{way}_subject_{code}"] = forms.CharField(
                label=format_lazy(PARTS["subject"], language=language),
                required=False,
                max_length=LONGEST_SUBJECT,
                widget=forms.TextInput(attrs={"class": "vTextField", "lang": code}),
            )
            found[f"{way}_text_{code}"] = forms.CharField(
                label=format_lazy(PARTS["text"], language=language),
                required=False,
                widget=forms.Textarea(
                    attrs={"class": "vLargeTextField", "lang": code, "rows": 8}
                ),
            )
    return found


_metaclass: Any = type(_ServiceForm)
ServiceForm: type[_ServiceForm] = _metaclass(
    "ServiceForm", (_ServiceForm,), _declared()
)
