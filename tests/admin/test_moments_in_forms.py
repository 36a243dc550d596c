"""Boxes for a date and a time refuse what the clocks skip or repeat (console)."""

import pytest
from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import RequestFactory
from django.utils import timezone

from audiences.console.moments import MomentField

READINGS = {
    "2026-10-25T02:30": ("02:30:00+02:00", "02:30:00+01:00"),
    "2026-03-29T02:30": ("01:30:00+01:00", "03:30:00+02:00"),
}


@pytest.mark.parametrize("text", READINGS)
def test_a_form_refuses_a_time_that_the_clocks_skip_or_repeat(text: str) -> None:
    field = MomentField()
    with timezone.override("Europe/Amsterdam"):
        with pytest.raises(ValidationError) as refusal:
            field.clean(text)
        assert field.clean(text.replace("T02", "T01")).hour == 1
        assert "Europe/Amsterdam" in str(field.help_text)
    [said] = refusal.value.messages
    for reading in READINGS[text]:
        assert reading in said


def test_anything_else_is_refused_as_before() -> None:
    with pytest.raises(ValidationError, match="valid date"):
        MomentField().clean("soon")


def test_every_date_of_a_form_in_the_console_is_the_browsers_own_box(
    rf: RequestFactory,
) -> None:
    """Django's calendar and clock are buttons that no keyboard and no reader finds."""
    request, seen = rf.get("/"), []
    request.user = User(is_active=True, is_staff=True, is_superuser=True)
    for model, pages in admin.site._registry.items():
        if not pages.has_change_permission(request):
            continue
        for name, field in pages.get_form(request).base_fields.items():
            if isinstance(field, forms.DateTimeField | forms.SplitDateTimeField):
                assert isinstance(field, MomentField), (model, name)
            if isinstance(field, forms.DateField | forms.DateTimeField):
                assert field.widget.input_type in ("date", "datetime-local")
                seen.append(name)
            assert not isinstance(field, forms.TimeField), (model, name)
    assert {"contact_date", "opens_at", "closes_at"} <= set(seen)
