"""Boxes for a date and a time refuse what the clocks skip or repeat (console)."""

from typing import Any

import pytest
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.test import RequestFactory
from django.utils import timezone

from audiences.console.moments import MomentField, SplitMomentField
from audiences.models import LandingPage
from delivery.models import Delivery

READINGS = {
    "2026-10-25T02:30": ("02:30:00+02:00", "02:30:00+01:00"),
    "2026-03-29T02:30": ("01:30:00+01:00", "03:30:00+02:00"),
}


@pytest.mark.parametrize("text", READINGS)
@pytest.mark.parametrize("boxes", [1, 2])
def test_a_form_refuses_a_time_that_the_clocks_skip_or_repeat(
    text: str, boxes: int
) -> None:
    field: Any = MomentField() if boxes == 1 else SplitMomentField()
    given: Any = text if boxes == 1 else text.split("T")
    with timezone.override("Europe/Amsterdam"):
        with pytest.raises(ValidationError) as refusal:
            field.clean(given)
        hour_before = text.replace("T02", "T01")
        given = hour_before if boxes == 1 else hour_before.split("T")
        assert field.clean(given).hour == 1
    [said] = refusal.value.messages
    for reading in READINGS[text]:
        assert reading in said


def test_anything_else_is_refused_as_before() -> None:
    with pytest.raises(ValidationError, match="valid date"):
        MomentField().clean("soon")


@pytest.mark.parametrize(
    ("model", "names", "kind"),
    [
        (Delivery, ["contact_date"], MomentField),
        (LandingPage, ["opens_at", "closes_at"], SplitMomentField),
    ],
)
def test_every_moment_that_is_typed_in_the_console_is_such_a_box(
    model: Any, names: list[str], kind: type, rf: RequestFactory
) -> None:
    pages = admin.site.get_model_admin(model)
    for name in names:
        field = model._meta.get_field(name)
        assert type(pages.formfield_for_dbfield(field, rf.get("/"))) is kind
