"""Boxes for a date and a time: a time that the clocks skip or repeat is refused.

They are the browser's own: screen readers know them, and they show a date as the
operator's device writes it.
"""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext

from audiences import moments

UNCERTAIN = "ambiguous_timezone"


def _said_zone() -> str:
    zone = timezone.get_current_timezone_name()
    return gettext("Times are those of {zone}.").format(zone=zone)


_zone = lazy(_said_zone, str)


class MomentInput(forms.DateTimeInput):
    """One box for a date and a time."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")


class DayInput(forms.DateInput):
    """One box for a date alone."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class MomentField(forms.DateTimeField):
    """What Django finds uncertain is refused with both readings; the zone is named."""

    widget = MomentInput

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.help_text = format_lazy("{} {}", self.help_text, _zone())

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except ValidationError as error:
            raise _with_readings(error) from error


def _with_readings(error: ValidationError) -> ValidationError:
    if getattr(error, "code", "") != UNCERTAIN:
        return error
    try:
        moments.local((error.params or {})["datetime"])
    except moments.NotOneMoment as said:
        return ValidationError(str(said), code=UNCERTAIN)
    return error
