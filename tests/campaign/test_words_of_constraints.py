"""What the database refuses is told in words, never by the name of a constraint."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models

from audiences.models import Profile


def constraints() -> Iterator[models.BaseConstraint]:
    for model in apps.get_models():
        if model._meta.app_label in ("audiences", "delivery"):
            yield from model._meta.constraints


def has_words(constraint: models.BaseConstraint) -> bool:
    """A unique constraint on whole fields says of itself which fields it is about."""
    is_unique = isinstance(constraint, models.UniqueConstraint)
    if is_unique and constraint.fields and constraint.condition is None:
        return True
    default = models.BaseConstraint.default_violation_error_message
    return constraint.violation_error_message != default


@pytest.mark.parametrize("constraint", [*constraints()], ids=lambda c: c.name)
def test_a_constraint_says_what_is_wrong(constraint: models.BaseConstraint) -> None:
    assert has_words(constraint)


@pytest.mark.django_db
def test_a_message_limit_of_zero_is_refused_in_words() -> None:
    with pytest.raises(ValidationError) as refused:
        Profile(message_limit=0).full_clean()
    assert "1 or more" in str(refused.value)
    assert "profile_message_limit_positive" not in str(refused.value)
