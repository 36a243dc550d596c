"""The columns of a file of people: their names, in English and Dutch.

docs/import.md shows the table.
"""

import re

from audiences import fields
from audiences.channels import Channel, Scope, flag_name
from audiences.files import TableFile, folded, names_of
from audiences.profiles import PROFILE_FIELDS

from .choices import LABELS, LEFT_OUT, name_of_choice
from .layouts import Layout, recognise
from .layouts.layout import PASSED_OVER
from .meanings import Column
from .reading import ANY_VALUE, Reading

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

_FLAGS = {flag_name(scope) for scope in Scope}
_name_of = names_of(OTHER_NAMES)
# What else a column of another system may mean, for those who say it by hand.
SPECIAL: dict[str, Column] = {
    "full_name": Column("full_name", "name"),
    "failed_email": Column("email", "failure"),
    "international_sms": Column("sms", "address", is_international=True),
    "international_phone": Column("phone", "address", is_international=True),
}


TAGS = "tags"
_TAGS = (TAGS, "tag", "labels")
# `field: shoe size`, `veld: schoenmaat`.
_PREFIXES = ("field", "veld")


def column_of(name: str) -> Column | None:
    """What a heading means by our own names, or None."""
    if name in SPECIAL:
        return SPECIAL[name]
    plain = folded(name)
    own = _name_of(plain)
    if own in PROFILE_FIELDS:
        return Column(own, "profile")
    if own in _FLAGS:
        return Column(own, "flag")
    if own:
        return Column(own, "address")
    numbered = re.fullmatch(r"(.*?[^\d])([1-9]\d?)", plain)
    own = _name_of(numbered[1]) if numbered else None
    if numbered and own in Channel.values:
        return Column(str(own), "address", int(numbered[2]))
    return None


def channel_named(text: str) -> str:
    """The channel that a word means, by the names of our columns; else empty."""
    name = _name_of(text)
    return name if name in Channel.values else ""


def own_field_column(name: str) -> Column | None:
    """The own field that a heading means: `field: X`, or its slug or label alone."""
    prefix, colon, rest = name.partition(":")
    named = rest if colon and folded(prefix) in _PREFIXES else name
    wanted = folded(named)
    for own in fields.all_fields() if wanted else ():
        if wanted in (folded(own.slug), folded(own.label)):
            return Column(own.slug, "own", own_field=own)
    return None


def own_meaning(name: str) -> tuple[Column, ...] | None:
    """`column_of` as `read_columns` takes it, with own fields and tags."""
    if folded(name) in _TAGS:
        return (Column(TAGS, "tags"),)
    column = column_of(name) or own_field_column(name)
    return (column,) if column else None


def choices() -> list[tuple[str, str]]:
    """What somebody may say that a column means, own fields among it."""
    own = [(f"field: {field.slug}", field.label) for field in fields.all_fields()]
    return [(name, str(label)) for name, label in LABELS.items()] + own


def _is_column(name: str) -> bool:
    """Whether a heading has a meaning already, which no own field may take."""
    return folded(name) in _TAGS or column_of(name) is not None


fields.reserved.add("columns of files", _is_column)


def guess(heading: str, values: list[str], file: TableFile) -> tuple[str, list[str]]:
    """Our name for a column, also of the export of another system, and which of its
    values say yes; an empty name if nobody knows."""
    layout = recognise(file.header)
    meant = layout.meanings_of(heading) if layout else None
    meant = own_meaning(heading) if meant is None else meant
    if not meant:
        return (LEFT_OUT if meant == PASSED_OVER else "", [])
    column = meant[0]
    words = [ANY_VALUE] if column.when.filled else []
    words = words or [v for v in values if column.when.says(v)]
    is_flag = column.kind in ("flag", "failure")
    return name_of_choice(column), words if is_flag else []


def layout_for(file: TableFile, reading: Reading) -> Layout | None:
    """The known layout, unless the columns are to be read by their names alone."""
    by_name = reading.ignore_unknown or reading.chosen
    return None if by_name else recognise(file.header)
