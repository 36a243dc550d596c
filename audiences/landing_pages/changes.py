"""What a version of a landing page says, line by line, and what publishing changes."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from audiences.channels import Channel
from audiences.landing_pages.contents import Content, Texts
from audiences.models import LandingPage, LandingPageText, OwnField, Profile
from audiences.models.landing_pages import EXTRA_FIELDS, OWN


@dataclass(frozen=True)
class Line:
    """One setting or text in words; with a logo (its digest) or a colour to show."""

    label: str
    text: str
    logo: str = ""
    colour: str = ""


@dataclass(frozen=True)
class Change:
    """A line before and after; None where it was not there."""

    label: str
    before: Line | None
    after: Line | None


def fingerprint(content: Content) -> str:
    """A digest of what a page says, to see whether it is still the same."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def lines(content: Content) -> list[Line]:
    """Everything that a version says, in words."""
    return list(_lines(content).values())


def changes(before: Content | None, after: Content) -> list[Change]:
    """What is not the same; all of it when there was nothing before."""
    old, new = _lines(before) if before else {}, _lines(after)
    names = [*new, *(name for name in old if name not in new)]
    return [
        Change((new.get(name) or old[name]).label, old.get(name), new.get(name))
        for name in names
        if old.get(name) != new.get(name)
    ]


def _lines(content: Content) -> dict[str, Line]:
    kind, said = content["kind"], dict(content)
    # A version may be older than a setting.
    found = {
        name: Line(_label(name), _in_words(name, said.get(name)))
        for name in [*offers(kind), "languages", *DATES, *access(kind)]
    }
    for language in content["languages"]:
        texts = content["texts"][language]
        found |= dict(_texts(language, texts, kind))
    for name, value in content["brand"].items():
        if name == "logo":
            text = "" if value else _("none")
            found[name] = Line(_label(name), text, logo=str(value or ""))
        else:
            found[name] = Line(_label(name), str(value), colour=str(value))
    return found


def _texts(language: str, texts: Texts, kind: str) -> Iterator[tuple[str, Line]]:
    name, said = language_name(language), dict(texts)
    for field in text_fields(kind):
        label = f"{label_of(LandingPageText, field)} ({name})"
        yield f"{language}.{field}", Line(label, str(said[field]))


def text_fields(kind: str) -> list[str]:
    """The texts that a page of a kind can show."""
    agreed = kind not in LandingPage.BUTTON_KINDS
    return [f for f in LandingPageText.FIELDS if agreed or f != "agreement"]


def language_name(code: str) -> str:
    return dict(settings.LANGUAGES).get(code, code)


def offers(kind: str) -> list[str]:
    """The settings of what a page of a kind offers, in the order of the form."""
    kinds = LandingPage.Kind
    return {
        kinds.ACQUISITION: ["channels", "services", "extra_fields", "needs_agreement"],
        kinds.PREFERENCES: ["channels", "services", "extra_fields", "needs_agreement"],
        kinds.SUBSCRIPTION: ["service", "extra_fields", "needs_agreement"],
        kinds.UNSUBSCRIPTION: ["service"],
        kinds.DENYLIST: [],
    }[kinds(kind)]


def access(kind: str) -> list[str]:
    """The settings of who may use a page of a kind, in the order of the form."""
    if kind in LandingPage.OPT_OUT_KINDS:
        return ["allows_unidentified", "reconciles_by", "stops_address"]
    # Anyone who signs up gives an email address: it is confirmed by mail.
    return ["allows_unidentified", "updates_profile"]


DATES = ("opens_at", "closes_at", "closed_redirect")


def field_of(model: type[models.Model], name: str) -> "models.Field[Any, Any]":
    """A field of a model; raises LookupError for a relation that points to it."""
    found = model._meta.get_field(name)
    if isinstance(found, models.Field):
        return found
    raise LookupError(name)


def label_of(model: type[models.Model], name: str) -> str:
    return capfirst(str(field_of(model, name).verbose_name))


def _label(name: str) -> str:
    return label_of(LandingPage, name)


def extra_field_names(kind: str = "") -> dict[str, str]:
    """The fields of a profile that a page may ask for, by their codes.

    A page of preferences has all own fields that recipients may edit anyway.
    """
    found = {name: label_of(Profile, name) for name in EXTRA_FIELDS}
    if not kind or kind in LandingPage.SIGNUP_KINDS:
        own = OwnField.objects.all()
        if kind:
            own = own.filter(is_editable=True)
        found |= {OWN + slug: label for slug, label in own.values_list("slug", "label")}
    return found


def _in_words(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if not value:
        return _("none")
    each = value if isinstance(value, list) else [value]
    return ", ".join(_one_in_words(name, item) for item in each)


def _one_in_words(name: str, value: Any) -> str:
    if name in ("service", "services"):
        return str(value["label"])
    if name in ("opens_at", "closes_at"):
        moment = timezone.localtime(datetime.fromisoformat(value))
        return date_format(moment, "DATETIME_FORMAT")
    if name == "languages":
        return language_name(value)
    if name == "extra_fields":
        return extra_field_names().get(value, str(value))
    codes = {"reconciles_by": LandingPage.ReconciledBy, "channels": Channel}.get(name)
    return str(codes(value).label) if codes and value in codes.values else str(value)
