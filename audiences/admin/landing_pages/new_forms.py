"""Forms of operators for a new landing page: from a template, or as a copy."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils.text import slugify
from django.utils.translation import gettext, gettext_lazy as _

from audiences import landing_pages
from audiences.models import LandingPage, Service

Kind = LandingPage.Kind

KIND_SENTENCES = {
    Kind.PREFERENCES: _("People see what they get, and choose channels and services."),
    Kind.UNSUBSCRIPTION: _("People stop one service, or what their message is about."),
    Kind.DENYLIST: _("People stop all messages on every channel, with one button."),
    Kind.SUBSCRIPTION: _("People subscribe to one service."),
    Kind.ACQUISITION: _("New people sign up and choose channels and services."),
}


class NamedForm(forms.Form):
    """A label and a slug; an empty slug is made from the label."""

    label = forms.CharField(
        label=_("Label"),
        max_length=150,
        help_text=_("Its name for you and your colleagues. Visitors never see it."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autofocus": True}),
    )
    slug = forms.SlugField(
        label=_("Slug"),
        max_length=80,
        required=False,
        help_text=_(
            "Its address will be /p/<slug>/, for ever. Empty: made from the label."
        ),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        if "slug" in data and not data["slug"]:
            data["slug"] = free_slug(slugify(data.get("label", "")))
            if data.get("label") and not data["slug"]:
                self.add_error(
                    "slug", _("Write letters a to z, digits and hyphens, such as news.")
                )
        elif data.get("slug") and _is_taken(data["slug"]):
            text = gettext("Another page has this slug. This one is free: {slug}.")
            self.add_error("slug", text.format(slug=free_slug(data["slug"])))

    def make(self) -> LandingPage | None:
        """The new page; None, with errors at the fields, when it cannot be."""
        try:
            return self.write()
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                self.add_error(name if name in self.fields else None, texts)
        except IntegrityError:
            self.add_error("slug", _("Another page got this slug just now."))
        return None

    def write(self) -> LandingPage:
        raise NotImplementedError


def _is_taken(slug: str) -> bool:
    return LandingPage.objects.filter(slug=slug).exists()


def free_slug(wanted: str) -> str:
    """The slug, or with the first number behind it that no page has."""
    wanted = wanted[:74].strip("-")
    taken = set(
        LandingPage.objects.filter(slug__startswith=wanted).values_list(
            "slug", flat=True
        )
    )
    if wanted not in taken:
        return wanted
    return next(s for n in range(2, 10_000) if (s := f"{wanted}-{n}") not in taken)


class NewPageForm(NamedForm):
    """A page from the built-in template of its kind."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[(kind, kind.label) for kind in KIND_SENTENCES],
        widget=forms.RadioSelect,
        initial=Kind.PREFERENCES,
        error_messages={"required": _("Choose what the page is for.")},
    )
    service = forms.ModelChoiceField[Service](
        label=_("Service"),
        queryset=Service.objects.all(),
        required=False,
        empty_label=_("None"),
        help_text=_("Only for subscription and unsubscription pages."),
    )

    field_order = ("kind", "label", "slug", "service")

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        kind, service = data.get("kind"), data.get("service")
        if kind == Kind.SUBSCRIPTION and not service and "service" not in self.errors:
            text = _("Choose what people subscribe to.")
            if not Service.objects.exists():
                text = _("There is no service yet: make one under Services first.")
            self.add_error("service", text)
        elif service and kind and kind not in LandingPage.SERVICE_KINDS:
            self.add_error(
                "service", _("A page of this kind has none: choose “None” here.")
            )

    @property
    def cards(self) -> list[dict[str, Any]]:
        """The kinds with a sentence each, for the template."""
        chosen = str(self["kind"].value() or "")
        return [
            {
                "value": kind.value,
                "label": kind.label,
                "sentence": sentence,
                "is_chosen": kind.value == chosen,
                "has_service": kind in LandingPage.SERVICE_KINDS,
            }
            for kind, sentence in KIND_SENTENCES.items()
        ]

    def write(self) -> LandingPage:
        data = self.cleaned_data
        return landing_pages.create(
            data["slug"],
            kind=data["kind"],
            label=data["label"],
            service=data["service"],
        )


class CopyForm(NamedForm):
    """A copy of a page under a name of its own."""

    def __init__(self, *args: Any, page: LandingPage, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        label = gettext("{label} (copy)").format(label=page.label)
        self.initial["label"] = label[:150]
        self.page = page

    def write(self) -> LandingPage:
        data = self.cleaned_data
        return landing_pages.duplicate(
            self.page, slug=data["slug"], label=data["label"]
        )
