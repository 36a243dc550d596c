"""What somebody wrote, as a value of an own field; and a value as text again."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_noop as _

from audiences import moments
from audiences.files import cleaning
from audiences.models import OwnField
from audiences.models.fields import LONGEST_VALUE
from audiences.refusals import Sentence

Value = str | Decimal | date | bool
Type = OwnField.Type
YES = frozenset("1 1.0 true t yes y ja j waar x on".split())
NO = frozenset("0 0.0 false f no n nee onwaar off".split())
# The column of `FieldValue` that holds a value of each type.
COLUMNS = {
    Type.TEXT: "text",
    Type.CHOICE: "text",
    Type.NUMBER: "number",
    Type.DATE: "date",
    Type.YES_NO: "yes",
}
_NUMBER = re.compile(r"[-+]?(\d{1,11})([.,]\d{1,4})?")
# 31-12-2026, 31/12/2026 and 31.12.2026: the day comes first where it can be seen.
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
EARLIEST, LATEST = date(1, 1, 1), date(9999, 12, 31)


def column_of(field: OwnField) -> str:
    return COLUMNS[Type(field.type)]


def read_value(field: OwnField, text: str) -> Value:
    """The value that a text means; raises ValueError with a Sentence."""
    value: Value = _READERS[Type(field.type)](field, text.strip())
    return value


def as_text(value: Value | None) -> str:
    """A value as files, commands and forms write it; `read_value` reads it again."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        plain = format(value, "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    return value.isoformat() if isinstance(value, date) else value


def read_number(text: str) -> Decimal:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(
            Sentence(_("{text} is no number such as 42 or 3.5"), {"text": _some(text)})
        )
    return Decimal(text.replace(",", "."))


def read_date(text: str) -> date:
    """A date as ISO 8601 has it, or with the day first; never guessed."""
    day = moments.read_day(text)
    # A spreadsheet writes the midnight of a day: 2026-05-01 00:00:00.
    if day is None and re.fullmatch(r"\d{4}-\d\d-\d\d[ T]00:00(:00(\.0+)?)?", text):
        day = moments.read_day(text[:10])
    if day is None and (found := _DAY_FIRST.fullmatch(text)):
        first, second, year = map(int, found.groups())
        # 3/4/2026 is the third of April to some, the fourth of March to others.
        if first > 12 or first == second or "/" not in text:
            day = moments.read_day(f"{year:04}-{second:02}-{first:02}")
    if day is None:
        raise ValueError(
            Sentence(_("{text} is no date such as 2026-05-01"), {"text": _some(text)})
        )
    return day


def _read_text(field: OwnField, text: str) -> str:
    said = cleaning.words(text)
    if "\x00" in said:
        raise ValueError(Sentence(_("it contains a NUL character")))
    if len(said) > LONGEST_VALUE:
        raise ValueError(cleaning.too_long(LONGEST_VALUE))
    return said


def _read_choice(field: OwnField, text: str) -> str:
    said = cleaning.words(text).casefold()
    for choice in field.choices:
        if choice.casefold() == said:
            return str(choice)
    raise ValueError(
        Sentence(
            _("{text} is none of the choices: {choices}"),
            {"text": _some(text), "choices": ", ".join(field.choices[:20])},
        )
    )


def _read_yes_no(field: OwnField, text: str) -> bool:
    word = text.casefold()
    if word in YES or word in NO:
        return word in YES
    raise ValueError(
        Sentence(_("{text} is neither yes nor no (use 1 or 0)"), {"text": _some(text)})
    )


def _some(text: str) -> str:
    return repr(text[:50])


_READERS: dict[Type, Any] = {
    Type.TEXT: _read_text,
    Type.CHOICE: _read_choice,
    Type.NUMBER: lambda field, text: read_number(cleaning.visible(text)),
    Type.DATE: lambda field, text: read_date(cleaning.visible(text)),
    Type.YES_NO: _read_yes_no,
}
