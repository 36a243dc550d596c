"""The form in which operators edit the draft of a landing page."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy as _

from audiences import landing_pages
from audiences.channels import Channel
from audiences.landing_pages import changes, logos
from audiences.models import LandingPage, LandingPageAsset, LandingPageText, Service
from audiences.wording.colours import contrast, text_on
from audiences.wording.markdown import to_html


class ColourInput(forms.TextInput):
    """The browser's own input for colours; it always gives #rrggbb."""

    input_type = "color"


class MarkdownArea(forms.Textarea):
    """Markdown, and beside it what visitors see; a script keeps it up to date.

    Empty means the built-in text, so that is shown then.
    """

    def __init__(self, built_in: str = "") -> None:
        super().__init__({"rows": 5, "placeholder": built_in})
        self.built_in = built_in

    def render(
        self, name: str, value: Any, attrs: Any = None, renderer: Any = None
    ) -> SafeString:
        area = super().render(name, value, attrs, renderer)
        written = str(value or "").strip() or self.built_in
        return format_html(
            '<div class="markdown">{}'
            '<div class="as-seen" data-preview-of="{}" data-built-in="{}">'
            '<p class="quiet">{}</p><div class="seen" aria-live="off">{}</div>'
            "</div></div>",
            area,
            (attrs or {}).get("id", ""),
            self.built_in,
            gettext("As visitors see it"),
            mark_safe(to_html(written)),  # noqa: S308  (sanitised)
        )


Kind = LandingPage.Kind

COLOURS = ("brand_colour", "text_on_brand", "background_colour")


class LandingPageForm(forms.ModelForm[Any]):
    """The draft of a page; visitors see nothing of it before it is published.

    It has the fields that a page of the kind can use, and the texts in every language
    that the public pages speak. Empty texts are the built-in ones.
    """

    channels = forms.MultipleChoiceField(
        label=_("Channels"),
        choices=Channel.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Each ticked channel gets a check box on the page."),
    )
    services = forms.ModelMultipleChoiceField[Service](
        label=_("Services"),
        queryset=Service.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Each ticked service gets a check box on the page."),
    )
    extra_fields = forms.MultipleChoiceField(
        label=_("Extra fields"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("What visitors may fill in about themselves."),
    )
    languages = forms.MultipleChoiceField(
        label=_("Languages"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Visitors see the one of their profile or browser."),
        error_messages={"required": _("Tick at least one language.")},
    )
    first_language = forms.ChoiceField(
        label=_("For all others"),
        required=False,
        help_text=_("The language of people who speak none of these."),
    )
    logo_upload = forms.FileField(
        label=_("New logo"),
        required=False,
        help_text=_(
            "PNG, JPEG or WebP, at most 1 MB and 4,000 by 4,000 pixels. An SVG must "
            "be exported as PNG first."
        ),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    remove_logo = forms.BooleanField(label=_("Show no logo"), required=False)
    seen_at = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = LandingPage
        fields = (
            *("label", "service", "channels", "services", "extra_fields"),
            *("languages", "needs_agreement", "stops_address"),
            *("allows_unidentified", "reconciles_by", "updates_profile"),
            *("opens_at", "closes_at", "closed_redirect", *COLOURS),
        )
        widgets = {
            **dict.fromkeys(COLOURS, ColourInput),
            "closed_redirect": forms.TextInput(
                attrs={"class": "vTextField", "placeholder": "https://", "type": "url"}
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        page = self.instance
        self._keep_fields_of(page.kind)
        self._fill_choices()
        self.initial["seen_at"] = page.changed_at.isoformat() if page.pk else ""
        self.initial["first_language"] = next(iter(page.languages or ()), "")
        if not page.logo_id:
            self.fields.pop("remove_logo", None)
        self.written = {text.language: text for text in page.texts.all()}
        for language, _name in settings.LANGUAGES:
            self._add_texts(language)

    def _keep_fields_of(self, kind: str) -> None:
        used = {*changes.offers(kind), *changes.access(kind)}
        optional = {name for k in Kind.values for name in changes.offers(k)}
        optional |= {name for k in Kind.values for name in changes.access(k)}
        for name in optional - used:
            self.fields.pop(name, None)

    def _fill_choices(self) -> None:
        choices: dict[str, Any] = {
            "extra_fields": list(changes.extra_field_names(self.instance.kind).items()),
            "languages": settings.LANGUAGES,
            "first_language": settings.LANGUAGES,
        }
        for name, pairs in choices.items():
            field = self.fields.get(name)
            if isinstance(field, forms.ChoiceField):
                field.choices = pairs

    def _add_texts(self, language: str) -> None:
        built_in = landing_pages.built_in_texts(self.instance.kind, language)
        text = self.written.get(language)
        for name in changes.text_fields(self.instance.kind):
            meta = changes.field_of(LandingPageText, name)
            is_long = name in LandingPageText.MARKDOWN_FIELDS
            self.fields[text_name(language, name)] = forms.CharField(
                label=capfirst(str(meta.verbose_name)),
                help_text=meta.help_text,
                required=False,
                max_length=LONGEST if is_long else meta.max_length,
                initial=getattr(text, name, ""),
                widget=MarkdownArea(built_in[name])
                if is_long
                else forms.TextInput(
                    attrs={
                        "class": "vTextField",
                        "placeholder": built_in[name],
                        "lang": language,
                    }
                ),
            )

    # ------------------------------------------------------------------ reading
    def clean_channels(self) -> list[str]:
        return in_order(self.instance.channels, self.cleaned_data["channels"])

    def clean_extra_fields(self) -> list[str]:
        return in_order(self.instance.extra_fields, self.cleaned_data["extra_fields"])

    def clean_logo_upload(self) -> LandingPageAsset | None:
        upload = self.cleaned_data["logo_upload"]
        if not upload:
            return None
        data = upload.read(logos.LARGEST_BYTES + 1)
        try:
            return logos.store_logo(data)
        except logos.InvalidLogo as error:
            remedy = gettext("Save it as a PNG of at most 800 pixels wide.")
            raise ValidationError(f"{error} {remedy}") from error

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        first, languages = data.get("first_language"), data.get("languages")
        if languages and first:
            if first not in languages:
                self.add_error(
                    "first_language", _("Tick this language too, or choose another.")
                )
            data["languages"] = sorted(languages, key=lambda code: code != first)
        if data.get("logo_upload") and data.get("remove_logo"):
            self.add_error(
                "remove_logo", _("Untick this box to show the new logo instead.")
            )
        self._refuse_overwriting()

    def _refuse_overwriting(self) -> None:
        seen = parse_datetime(self.data.get(self.add_prefix("seen_at")) or "")
        present = LandingPage.objects.filter(pk=self.instance.pk)
        if seen and not present.filter(changed_at=seen).exists():
            self.add_error(
                None,
                _(
                    "Somebody else saved this page meanwhile, so nothing of yours is "
                    "saved. Copy what you wrote, open the page again and put it there."
                ),
            )

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if "text_on_brand" in self.errors and "brand_colour" in self.cleaned_data:
            brand = self.cleaned_data["brand_colour"]
            better = text_on(brand)
            text = gettext("Choose {colour}: its contrast is {ratio}.")
            ratio = f"{contrast(brand, better):.1f}"
            self.add_error("text_on_brand", text.format(colour=better, ratio=ratio))

    # ------------------------------------------------------------------ writing
    def save(self, commit: bool = True) -> LandingPage:
        if self.cleaned_data.get("remove_logo"):
            self.instance.logo = None
        elif self.cleaned_data.get("logo_upload"):
            self.instance.logo = self.cleaned_data["logo_upload"]
        page: LandingPage = super().save(commit)
        return page

    def _save_m2m(self) -> None:
        super()._save_m2m()  # type: ignore[misc]
        for language, _name in settings.LANGUAGES:
            self._save_texts(language)

    def _save_texts(self, language: str) -> None:
        values = {
            name: self.cleaned_data[text_name(language, name)].strip()
            for name in changes.text_fields(self.instance.kind)
        }
        if any(values.values()) or language in self.written:
            LandingPageText.objects.update_or_create(
                page=self.instance, language=language, defaults=values
            )


LONGEST = 20_000


def text_name(language: str, field: str) -> str:
    """The name of the form's field of a text."""
    return f"text_{language}_{field}"


def in_order(before: list[str], chosen: list[str]) -> list[str]:
    """What was chosen: what was there before in its order, then what is new."""
    kept = [value for value in before if value in chosen]
    return kept + [value for value in chosen if value not in kept]
