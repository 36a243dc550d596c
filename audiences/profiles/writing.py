"""Making a person and changing who it is; addresses and flags have other writers."""

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from audiences.files import cleaning
from audiences.models import Profile
from audiences.models.profiles import LONGEST_EXTERNAL_ID
from audiences.profiles.facts import (
    PROFILE_FIELDS,
    read_country,
    read_language,
    read_name,
)
from audiences.refusals import Refused
from audiences.suppression.restriction import require_free


class TakenId(Refused):
    """Another profile has the external id."""


def _external_id(text: str) -> str:
    found = cleaning.identifier(text)
    if found and cleaning.says_nothing(found):
        raise ValueError(cleaning.nothing())
    if len(found) > LONGEST_EXTERNAL_ID:
        raise ValueError(cleaning.too_long(LONGEST_EXTERNAL_ID))
    return found


_READERS: dict[str, Callable[[str], str]] = {
    "external_id": _external_id,
    "first_name": read_name,
    "last_name": read_name,
    "language": read_language,
    "country": read_country,
}


def create(facts: Mapping[str, str | None]) -> Profile:
    """Make a profile of these facts; raises TakenId and ValidationError."""
    values = _read(facts)
    with transaction.atomic():
        _refuse_taken(values.get("external_id"), None)
        return Profile.objects.create(**values)


def change(profile: Profile, facts: Mapping[str, str | None]) -> Profile:
    """Change these facts of a profile; an empty one is taken away.

    Raises TakenId, ValidationError and Restricted.
    """
    values = _read(facts)
    with transaction.atomic():
        rows = Profile.objects.select_for_update(of=("self",))
        locked = rows.get(pk=profile.pk)
        require_free(locked.pk)
        _refuse_taken(values.get("external_id"), locked.pk)
        for name, value in values.items():
            setattr(locked, name, value)
        if values:
            locked.save(update_fields=[*values])
    return locked


def _read(facts: Mapping[str, str | None]) -> dict[str, Any]:
    """The facts as we keep them; raises ValidationError by field."""
    values: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    for name in PROFILE_FIELDS:
        if name not in facts:
            continue
        text = (facts[name] or "").strip()
        try:
            values[name] = _READERS[name](text) if text else ""
        except ValueError as error:
            wrong[name] = [str(error)]
    if wrong:
        raise ValidationError(wrong)
    if values.get("external_id") == "":
        values["external_id"] = None
    return values


def _refuse_taken(external_id: str | None, own: int | None) -> None:
    if external_id is None:
        return
    other = Profile.objects.filter(external_id=external_id).first()
    if other is not None and other.pk != own:
        raise TakenId(
            f"Profile id:{other.pk} has the external id {external_id!r} already."
        )
