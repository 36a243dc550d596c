"""Own fields that recipients may edit themselves, on the page of their preferences."""

from dataclasses import dataclass

from audiences.models import OwnField, Profile

from .reading import Value
from .values import values_of


@dataclass(frozen=True)
class Editable:
    """A field that somebody may edit, and what they have in it."""

    field: OwnField
    value: Value | None


def editable(profile: Profile | None = None) -> list[Editable]:
    """The fields that recipients may edit, with what this one has in them."""
    fields = list(OwnField.objects.filter(is_editable=True))
    if not fields:
        return []
    have = values_of([profile.pk], fields).get(profile.pk, {}) if profile else {}
    return [Editable(field, have.get(field.slug)) for field in fields]
