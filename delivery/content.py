"""What a message says: its places, the length of an SMS, columns of a file.

A place may have a fallback: `{{ first_name|there }}`.
"""

import re

from audiences import fields
from audiences.files import folded
from audiences.models import OwnField
from audiences.refusals import Refused
from audiences.wording.placeholders import places

# What a message may say about its reader: {{ name }}.
FIELDS = (
    "first_name",
    "last_name",
    "language",
    "country",
    "external_id",
    "unsubscribe_link",
    "preferences_link",
    "view_link",
)


def known_fields() -> tuple[str, ...]:
    """What stands in a place now: own fields too, by their slugs."""
    return (*FIELDS, *(field.slug for field in fields.all_fields()))


VIEW_LINK = "view_link"
# Those by which a reader stops what they get.
WAYS_OUT = ("unsubscribe_link", "preferences_link")
LINKS = (*WAYS_OUT, VIEW_LINK)
# What an extraction file says of each recipient, in this order; own fields are further
# columns, by their slugs.
COLUMNS = (
    *("profile", "external_id", "first_name", "last_name"),
    *("language", "country", "address"),
)


fields.reserved.add(
    "places of messages",
    lambda name: folded(name) in {*map(folded, (*FIELDS, *COLUMNS))},
)


def own_columns() -> dict[str, OwnField]:
    """Own fields by the names of their columns."""
    return {field.slug: field for field in fields.all_fields()}


class BadColumns(Refused):
    """An extraction file has no such column; the message says which there are."""


def columns_of(text: str | None) -> tuple[str, ...]:
    """The columns that a text names, in its order; COLUMNS unless it names some.

    Raises BadColumns.
    """
    if not text:
        return COLUMNS
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    own = own_columns() if {*names} - {*COLUMNS} else {}
    for name in names:
        if name not in COLUMNS and name not in own:
            known = ", ".join([*COLUMNS, *own])
            raise BadColumns(f"There is no column {name[:200]!r}. There are: {known}.")
    return names


# What other systems write after | and what nobody means as a fallback.
FILTERS = frozenset(
    """
    add append capfirst capitalize center cut date default default_if_none divisibleby
    downcase e escape escape_once first floatformat force_escape join last length
    linebreaks linebreaksbr lower lstrip nl2br number_format pluralize prepend raw
    remove replace reverse round rstrip safe size slice slugify sort split strip
    strip_html striptags time timesince title trim truncate truncatechars
    truncatewords upcase upper url_encode urlencode urlize wordcount yesno
    """.split()
)
PLACE = re.compile(r"\{\{([^{}]*)\}\}")
_DEFAULT = re.compile(r"default\s*:\s*(?:\"([^\"|]*)\"|'([^'|]*)')")
_CALL = re.compile(r"(\w+)\s*(?::\s*['\"\d]|\()")
_TAG = re.compile(r"<[a-zA-Z!/]")


def placeholders(text: str) -> list[str]:
    """The names in the places of a message, in their order."""
    return [field_of(place) for place in places(text)]


def field_of(place: str) -> str:
    """The name in a place, without its fallback."""
    return place.partition("|")[0].strip()


def fallback_of(place: str) -> str:
    """What is said where the field is empty: `there` in `{{ first_name|there }}`.

    `{{ first_name|default:"there" }}`, as other systems write it, means the same.
    """
    rest = place.partition("|")[2].strip()
    default = _DEFAULT.fullmatch(rest)
    said = (default[1] or default[2] or "") if default else rest
    return " ".join(said.split())


def filter_in(place: str) -> str:
    """The filter that a place has after |, of which there are none; empty: it has none.

    It is the name of one in another system, has something given to it, or follows
    another one.
    """
    rest = place.partition("|")[2].strip()
    if _DEFAULT.fullmatch(rest):
        return ""
    name = rest.partition("|")[0].strip()
    call = _CALL.match(rest)
    if "|" in rest or call or name.lower() in FILTERS:
        return call[1] if call else name or "|"
    return ""


def looks_like_html(text: str) -> bool:
    return bool(_TAG.search(text))


# GSM 03.38: the characters of a 160-character message; the second row takes two places.
_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = set("^{}\\[~]|€\f")


def sms_segments(text: str) -> tuple[str, int]:
    """The encoding of an SMS and how many segments it takes (3GPP TS 23.038, 23.040).

    GSM-7: 160 places in one, 153 in each of several. UCS-2: 70 and 67 code units.
    """
    if all(character in _GSM or character in _GSM_EXTENDED for character in text):
        sizes = [2 if character in _GSM_EXTENDED else 1 for character in text]
        return "GSM-7", _segments(sizes, 160, 153)
    sizes = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return "UCS-2", _segments(sizes, 70, 67)


def _segments(sizes: list[int], alone: int, together: int) -> int:
    """A character of two places is never split over segments."""
    if sum(sizes) <= alone:
        return 1 if sizes else 0
    count, used = 1, 0
    for size in sizes:
        if used + size > together:
            count, used = count + 1, 0
        used += size
    return count
