"""Access (GDPR 15): everything that is known about one person, to read and as data.

The places say what there is (`places`), so nothing is listed here. The page is in the
person's language and needs nothing but itself: no script, no picture, no other file.
"""

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from audiences.models import Profile
from audiences.organisation import organisation
from audiences.outbox import closest_language

from .people import Person
from .places import Facts, Place, all_places

PAGE, DATA = "your-data.html", "your-data.json"
FORMAT = 1


@dataclass(frozen=True)
class Part:
    """What one place has about the person: a heading and its rows."""

    place: Place
    rows: list[Facts]

    @property
    def title(self) -> str:
        return capfirst(self.place.title)

    def to_read(self) -> list[list[tuple[str, str]]]:
        """The rows with the names of their facts, as people read them."""
        model = self.place.model
        return [
            [
                (_name(model, name), said)
                for name, value in row.items()
                if (said := _said(model, name, value))
            ]
            for row in self.rows
        ]


def parts_of(profile: Profile) -> list[Part]:
    """What all places have about a person; those that have nothing are left out."""
    person = Person.of(profile)
    parts = (Part(place, place.rows(person)) for place in all_places())
    return [part for part in parts if part.rows]


def data_of(profile: Profile, parts: Iterable[Part]) -> Facts:
    """The same as plain data, by the names of our models and fields."""
    return {
        "format": FORMAT,
        "made_at": timezone.now().isoformat(),
        "profile": profile.pk,
        "places": [
            {
                "place": part.place.label,
                "title": part.title,
                "rows": [
                    {name: _plain(value) for name, value in row.items()}
                    for row in part.rows
                ],
            }
            for part in parts
        ],
    }


def zip_of(profile: Profile) -> bytes:
    """A zip with the page to read and the data."""
    language = closest_language(profile.language)
    target = io.BytesIO()
    with translation.override(language):
        parts = parts_of(profile)
        page = render_to_string(
            "privacy/access.html",
            {
                "language": language,
                "parts": parts,
                "made_at": date_format(localtime(), "DATETIME_FORMAT"),
                "organisation": organisation(),
            },
        )
        data = json.dumps(data_of(profile, parts), ensure_ascii=False, indent=2)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(PAGE, page)
        archive.writestr(DATA, data)
    return target.getvalue()


# ------------------------------------------------------------------ values
def _plain(value: Any) -> Any:
    """A value as JSON has it; another row by its name."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value)


def _name(model: type[Model], name: str) -> str:
    """What a field is called, in the language of the page."""
    try:
        return capfirst(str(model._meta.get_field(name).verbose_name))  # type: ignore[union-attr]
    except (FieldDoesNotExist, AttributeError):
        return capfirst(_(name.replace("_", " ")))


def _said(model: type[Model], name: str, value: Any) -> str:
    """A value as people read it; empty when it says nothing."""
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return date_format(localtime(value), "DATETIME_FORMAT")
    if isinstance(value, dict | list | tuple):
        return json.dumps(_plain(value), ensure_ascii=False, indent=1)
    try:
        choices = dict(model._meta.get_field(name).flatchoices)  # type: ignore[union-attr]
    except (FieldDoesNotExist, AttributeError):
        choices = {}
    return str(choices.get(value, value))
