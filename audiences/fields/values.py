"""What people have in own fields: the only writer of it.

A writer holds the locks of the profiles, so that two never write one value at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from audiences import consent, sql
from audiences.models import FieldValue, OwnField, Profile
from audiences.sql.many import among
from audiences.suppression.restriction import require_free

from .reading import Value, column_of

_COLUMNS = ("text", "number", "date", "yes")
# Field and profile: what they have, or None for nothing.
Changes = Mapping[tuple[int, int], Value | None]


def values_of(
    profile_ids: Iterable[int], fields: Iterable[OwnField] | None = None
) -> dict[int, dict[str, Value]]:
    """What these people have in own fields, by profile and slug; one statement.

    `fields`: only in these.
    """
    rows = FieldValue.objects.filter(among("profile_id", profile_ids))
    if fields is not None:
        rows = rows.filter(field__in=[field.pk for field in fields])
    found: dict[int, dict[str, Value]] = defaultdict(dict)
    listed = rows.order_by("profile_id", "field__label")
    for pk, slug, *given in listed.values_list("profile_id", "field__slug", *_COLUMNS):
        found[pk][slug] = next(value for value in given if value is not None)
    return found


def set_values(profile: Profile, values: Mapping[OwnField, Value | None]) -> bool:
    """Give a person these values; None takes one away. Tells whether any changed.

    Raises Restricted where nothing of the person may be changed.
    """
    with transaction.atomic():
        consent.lock(profile, "pk")
        have = values_of([profile.pk], values).get(profile.pk, {})
        changed = {
            (field.pk, profile.pk): value
            for field, value in values.items()
            if have.get(field.slug) != value
        }
        if changed:
            require_free(profile.pk)
            write_values(changed, {field.pk: field for field in values})
    return bool(changed)


def write_values(changes: Changes, fields: Mapping[int, OwnField]) -> None:
    """Write what changed of people who are locked, in two statements for each field."""
    by_field: dict[int, dict[int, Value | None]] = defaultdict(dict)
    for (field_id, profile_id), value in changes.items():
        by_field[field_id][profile_id] = value
    for field_id, by_person in sorted(by_field.items()):
        held = FieldValue.objects.filter(field=field_id)
        held.filter(among("profile_id", sorted(by_person))).delete()
        column = column_of(fields[field_id])
        sql.bulk_insert(
            FieldValue,
            ["field_id", "profile_id", column],
            (
                (field_id, profile_id, _stored(value))
                for profile_id, value in sorted(by_person.items())
                if value is not None
            ),
        )


def _stored(value: Value) -> Any:
    """As both databases take it."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else value


def with_value(field: OwnField, condition: Q | None = None) -> Any:
    """The rows of those who have a value in a field, such as a condition says."""
    rows = FieldValue.objects.filter(field_id=field.pk)
    # Repeated, so that the index of the type is known to hold all of them.
    rows = rows.filter(**{f"{column_of(field)}__isnull": False})
    return rows if condition is None else rows.filter(condition)
