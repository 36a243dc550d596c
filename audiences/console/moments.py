"""Boxes for a date and a time: a time that the clocks skip or repeat is refused."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from audiences import moments

UNCERTAIN = "ambiguous_timezone"


class MomentField(forms.DateTimeField):
    """One box; what Django finds uncertain is refused with both readings."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except ValidationError as error:
            raise _with_readings(error) from error


class SplitMomentField(forms.SplitDateTimeField):
    """The same, with two boxes."""

    def compress(self, data_list: Any) -> Any:
        try:
            return super().compress(data_list)
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
