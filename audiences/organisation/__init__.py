"""The organisation that sends: one row, and its only writer."""

from typing import Any

from audiences.models import Organisation


def organisation() -> Organisation:
    """What is known of the organisation; an empty one before anybody wrote it."""
    found = Organisation.objects.filter(pk=Organisation.THE_ONE).first()
    return found or Organisation(pk=Organisation.THE_ONE)


def change(**facts: Any) -> Organisation:
    """Write these facts of the organisation; raises ValidationError."""
    row = organisation()
    for name, value in facts.items():
        setattr(row, name, value)
    row.full_clean(validate_constraints=False, exclude=["id"], validate_unique=False)
    row.save()
    return row
