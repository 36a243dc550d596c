"""Dates and times as operators read them: one form, in the reader's language.

The forms are those of `campaign/formats`; the time is that of the site (TIME_ZONE).
"""

from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format


def moment(at: datetime | None) -> str:
    """A date and a time; empty for none."""
    if at is None:
        return ""
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    return date_format(local, "SHORT_DATETIME_FORMAT")


def day(on: date | datetime | None) -> str:
    """A date; of a moment the day where the site is."""
    if on is None:
        return ""
    if isinstance(on, datetime) and timezone.is_aware(on):
        on = timezone.localtime(on)
    return date_format(on, "SHORT_DATE_FORMAT")
