"""From the cells of an import file to typed rows: columns, values, their problems.

The names of columns, in English and Dutch, are tables here; docs/import.md shows them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext_noop as _

from audiences import addresses, cleaning
from audiences.addresses import Normalised
from audiences.channels import Channel, Scope, flag_name
from audiences.files import BadCell, Problem, folded, names_of, read_cell
from audiences.models.profiles import LONGEST_EXTERNAL_ID
from audiences.profiles import PROFILE_FIELDS, read_country, read_language, read_name
from audiences.refusals import Sentence

from .meanings import Column

# What a column may be called besides our own name for it. Letter case, spaces, hyphens
# and underscores do not count, so "E-mail adres" is found as "emailadres".
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "external_id": (
        "externe_id",
        "extern_id",
        "extern_nummer",
        "klantnummer",
        "relatienummer",
    ),
    "first_name": ("voornaam",),
    "last_name": ("achternaam",),
    "language": ("taal",),
    "country": ("land",),
    "email": ("e_mail", "emailadres", "email_address", "mailadres"),
    "sms": ("mobiel", "mobiel_nummer", "mobile", "mobile_number"),
    "phone": ("telefoon", "telefoonnummer", "phone_number"),
    "direct_mail": ("post", "postadres", "postal_address"),
    "push": ("pushtoken", "device_token"),
    "fax": ("faxnummer", "fax_number"),
    "no_longer_contact": ("geen_contact",),
    "no_longer_contact_email": ("geen_contact_email", "geen_email"),
    "no_longer_contact_sms": ("geen_contact_sms", "geen_contact_mobiel", "geen_sms"),
    "no_longer_contact_phone": (
        "geen_contact_phone",
        "geen_contact_telefoon",
        "geen_telefoon",
    ),
    "no_longer_contact_direct_mail": (
        "geen_contact_direct_mail",
        "geen_contact_post",
        "geen_post",
    ),
    "no_longer_contact_push": ("geen_contact_push", "geen_push"),
    "no_longer_contact_fax": ("geen_contact_fax", "geen_fax"),
}

_FLAG_OF = {flag_name(scope): scope for scope in Scope}
FLAG_NAMES = tuple(_FLAG_OF)


@dataclass(slots=True)
class Row:
    """One person as the file says it; blank cells are not in it.

    `addresses` are channel, whether it becomes the primary one, and the address.
    `rejection` is why nothing but what restricts is taken from the row, and `repeats`
    the line that has said who the person is before.
    """

    line: int
    external_id: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    addresses: list[tuple[str, bool, Normalised]] = field(default_factory=list)
    flags: dict[Scope, bool] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    # The keys in the first column of email addresses, those that can be read.
    email_keys: tuple[str, ...] = ()
    rejection: BadCell | None = None
    nobody: BadCell | None = None
    repeats: int = 0

    @property
    def restricts(self) -> bool:
        return bool(self.failed) or True in self.flags.values()

    @property
    def restricts_only(self) -> bool:
        """Nothing else is taken from the row."""
        return self.rejection is not None or bool(self.repeats)

    @property
    def who(self) -> str:
        """The column that says who the person is."""
        return "external_id" if self.external_id else "email"


_name_of = names_of(OTHER_NAMES)
_LEFT_OUT = _("left out: {reason}")


def column_of(name: str) -> Column | None:
    """What a heading means by our own names, or None."""
    plain = folded(name)
    own = _name_of(plain)
    if own in PROFILE_FIELDS:
        return Column(own, "profile")
    if own in _FLAG_OF:
        return Column(own, "flag")
    if own:
        return Column(own, "address")
    numbered = re.fullmatch(r"(.*?[^\d])([1-9]\d?)", plain)
    own = _name_of(numbered[1]) if numbered else None
    if numbered and own in Channel.values:
        return Column(str(own), "address", int(numbered[2]))
    return None


def read_row(line: int, cells: list[str], columns: Sequence[tuple[int, Column]]) -> Row:
    """The typed values of one record, with every problem in it.

    `columns` are those that mean something, with their positions.
    """
    row = Row(line)
    for position, column in columns:
        text = cells[position]
        if not text or not (text := read_cell(text)):
            continue
        if "\x00" in text:
            _reject(row, column, Sentence(_("it contains a NUL character")))
        else:
            _READERS[column.kind](row, column, text)
    if len(row.addresses) > 1:
        row.addresses.sort(key=lambda item: not item[1])
    if not row.nobody and not row.external_id and not row.email_keys:
        row.nobody = _nobody(row)
    return row


def _reject(row: Row, column: Column, reason: Sentence) -> None:
    """Take nothing from the row but what restricts, if the person is still certain."""
    bad = BadCell(str(column), reason)
    if str(column) in ("external_id", "email"):
        row.nobody = row.nobody or bad
    else:
        row.rejection = row.rejection or bad


def _nobody(row: Row) -> BadCell:
    for problem in row.problems:
        if problem.field == Channel.EMAIL:
            return BadCell("email", _("nobody is named: {why}"), why=problem.reason)
    return BadCell(
        "external_id", _("neither an external id nor an email says who this is")
    )


def _read_address(row: Row, column: Column, text: str) -> None:
    channel, number = column.name, column.number
    if column.is_international and text[0] in "123456789":
        text = f"+{text}"
    most = addresses.longest(channel)
    found = addresses.normalise_all(channel, text)
    for given in found:
        if given.is_valid:
            continue
        if len(given.value) > most:
            reason = Sentence(_LEFT_OUT, {"reason": cleaning.too_long(most)})
        else:
            reason = Sentence(_("kept as invalid: {reason}"), {"reason": given.reason})
        row.problems.append(Problem(str(column), reason))
    kept = [given for given in found if given.is_valid or len(given.value) <= most]
    for place, given in enumerate(kept):
        row.addresses.append((channel, number == 1 and place == 0, given))
    if number == 1 and channel == Channel.EMAIL:
        row.email_keys = tuple(given.key for given in kept if given.is_valid)


def _read_flag(row: Row, column: Column, text: str) -> None:
    said = column.when.says(text)
    if said is None:
        reason = _("{text} is neither yes nor no (use 1 or 0)")
        _reject(row, column, Sentence(reason, {"text": repr(text[:50])}))
        return
    scope = _FLAG_OF[column.name]
    # Of several columns about one channel the one that restricts counts.
    row.flags[scope] = said or row.flags.get(scope, False)


def _read_failure(row: Row, column: Column, text: str) -> None:
    if column.when.says(text):
        row.failed.add(column.name)


def _read_field(row: Row, column: Column, text: str) -> None:
    name = column.name
    if name == "external_id":
        _read_external_id(row, column, text)
        return
    try:
        row.fields[name] = _FIELD_READERS[name](text)
    except ValueError as error:
        reason = Sentence(_LEFT_OUT, {"reason": error.args[0]})
        row.problems.append(Problem(name, reason))


def _read_external_id(row: Row, column: Column, text: str) -> None:
    text = cleaning.identifier(text)
    if cleaning.is_spreadsheet_number(text):
        reason = _("a spreadsheet has changed the id {text}; export the column as text")
        _reject(row, column, Sentence(reason, {"text": repr(text[:50])}))
    elif len(text) > LONGEST_EXTERNAL_ID:
        _reject(row, column, cleaning.too_long(LONGEST_EXTERNAL_ID))
    else:
        row.external_id = text


def _read_full_name(row: Row, column: Column, text: str) -> None:
    first, _space, last = text.partition(" ")
    for name, value in (("first_name", first), ("last_name", last.strip())):
        if value:
            _read_field(row, Column(name, "profile"), value)


_READERS = {
    "profile": _read_field,
    "name": _read_full_name,
    "address": _read_address,
    "flag": _read_flag,
    "failure": _read_failure,
}
_FIELD_READERS = {
    "first_name": read_name,
    "last_name": read_name,
    "language": read_language,
    "country": read_country,
}
