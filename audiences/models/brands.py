"""The colours of a page, and those of one that nobody has chosen any for."""

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

BRAND, TEXT_ON_BRAND, BACKGROUND = "#1a56a8", "#ffffff", "#f1f4f8"
_is_colour = RegexValidator(
    r"\A#[0-9a-fA-F]{6}\Z", _("Write a colour as # and six digits, such as #1f5fbf.")
)


def colour(label: StrOrPromise, default: str) -> "models.CharField[str, str]":
    """A column with a colour such as #1a56a8."""
    return models.CharField(
        label, max_length=7, default=default, validators=[_is_colour]
    )
