"""From the cells of an import file to typed rows: columns, values, their problems.

The names of columns, in English and Dutch, and the words for true and false are tables
here; docs/import.md shows them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from audiences.addresses import Normalised, accept
from audiences.channels import Channel, Scope, flag_name
from audiences.files import (
    BadCell,
    Problem,
    UnknownColumns,
    folded,
    names_of,
    read_headings,
    unescaped,
)
from audiences.models.profiles import LONGEST_EXTERNAL_ID
from audiences.profiles import PROFILE_FIELDS, read_country, read_language, read_name

TRUE = {"1", "true", "t", "yes", "y", "ja", "j", "x", "on"}
FALSE = {"0", "false", "f", "no", "n", "nee", "off"}

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

# What to do about a column that is not known, on the command line.
REMEDY = (
    "Rename it, give its meaning with --map NAME=COLUMN, or leave such columns out "
    "with --ignore-unknown."
)

_FLAG_OF = {flag_name(scope): scope for scope in Scope}


@dataclass(frozen=True, slots=True)
class Column:
    """What a column of the file means; `number` counts a channel's addresses from 1."""

    name: str
    kind: Literal["profile", "address", "flag"]
    number: int = 1

    def __str__(self) -> str:
        return self.name if self.number == 1 else f"{self.name}_{self.number}"


@dataclass(slots=True)
class Row:
    """One person as the file says it; blank cells are not in it."""

    line: int
    external_id: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    addresses: list[tuple[str, int, Normalised]] = field(default_factory=list)
    flags: dict[Scope, bool] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    rejection: BadCell | None = None

    @property
    def email_key(self) -> str:
        """The key of the primary email address, or an empty text."""
        for channel, number, given in self.addresses:
            if channel == Channel.EMAIL and number == 1:
                return given.key
        return ""


_name_of = names_of(OTHER_NAMES)


def read_header(
    header: Sequence[str],
    mapping: Mapping[str, str],
    *,
    ignore_unknown: bool = False,
    remedy: str = REMEDY,
) -> list[Column | None]:
    """What each column means; None for one that is ignored.

    `mapping` gives our name for a column of the file (NAME=COLUMN). Raises
    UnknownColumns when a name is not known, or two columns mean the same.
    """
    known = f"Known names: {', '.join(OTHER_NAMES)}."
    strange = [name for name in mapping if _column(name) is None]
    if strange:
        raise UnknownColumns(f"--map: {', '.join(strange)} is no name of ours. {known}")
    named = {folded(column): name for name, column in mapping.items()}
    absent = [c for c in mapping.values() if folded(c) not in map(folded, header)]
    if absent:
        raise UnknownColumns(f"The file has no column {', '.join(absent)} (--map).")
    columns = read_headings(
        header,
        lambda heading: _column(named.get(folded(heading), heading)),
        unknown=""
        if ignore_unknown
        else f"Unknown column: {{unknown}}. {remedy} {known}",
    )
    if not any(columns):
        raise UnknownColumns("No column of the file is known.")
    return columns


def _column(name: str) -> Column | None:
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


def read_row(line: int, cells: list[str], columns: Sequence[Column | None]) -> Row:
    """The typed values of one record, with every problem in it."""
    row = Row(line)
    for column, cell in zip(columns, cells, strict=True):
        text = unescaped(cell.strip())
        if column is None or not text:
            continue
        if "\x00" in text:
            row.rejection = BadCell(column.name, "it contains a NUL character")
        elif column.kind == "address":
            _read_address(row, column, text)
        elif column.kind == "flag":
            _read_flag(row, column, text)
        else:
            _read_field(row, column, text)
    row.addresses.sort(key=lambda item: item[1])
    if not row.rejection and not row.external_id and not row.email_key:
        row.rejection = BadCell(
            "external_id", "neither an external id nor an email says who this is"
        )
    return row


def _read_address(row: Row, column: Column, text: str) -> None:
    given = accept(column.name, text)
    row.addresses.append((column.name, column.number, given))
    if not given.is_valid:
        row.problems.append(Problem(str(column), f"kept as invalid: {given.reason}"))


def _read_flag(row: Row, column: Column, text: str) -> None:
    word = text.casefold()
    if word in TRUE:
        row.flags[_FLAG_OF[column.name]] = True
    elif word in FALSE:
        row.flags[_FLAG_OF[column.name]] = False
    else:
        row.rejection = BadCell(
            column.name, f"{text[:50]!r} is neither yes nor no (use 1 or 0)"
        )


def _read_field(row: Row, column: Column, text: str) -> None:
    if column.name == "external_id":
        if len(text) > LONGEST_EXTERNAL_ID:
            row.rejection = BadCell(
                "external_id", f"longer than {LONGEST_EXTERNAL_ID} characters"
            )
        row.external_id = text
        return
    try:
        row.fields[column.name] = _FIELD_READERS[column.name](text)
    except ValueError as error:
        row.problems.append(Problem(column.name, f"left out: {error}"))


_FIELD_READERS = {
    "first_name": read_name,
    "last_name": read_name,
    "language": read_language,
    "country": read_country,
}
