"""What a message says: its places, the length of an SMS, how one profile reads it.

A place may have a fallback: `{{ first_name|there }}`. Links that are personal are shown
as what they are for: a preview must not hold a link that acts for somebody.
"""

import re
from dataclasses import dataclass

from django.utils.html import escape
from django.utils.translation import gettext as _

from audiences.channels import Channel
from audiences.models import Profile
from audiences.wording.placeholders import fill_by, places
from delivery.models import Delivery

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
VIEW_LINK = "view_link"
# Those by which a reader stops what they get.
WAYS_OUT = ("unsubscribe_link", "preferences_link")
LINKS = (*WAYS_OUT, VIEW_LINK)


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


EXAMPLE_LINK = "https://link.example/{name}"


@dataclass(frozen=True)
class Preview:
    """The message for one profile; `segments` and `encoding` are those of an SMS."""

    subject: str
    content: str
    is_html: bool
    unknown: list[str]
    encoding: str = ""
    segments: int = 0
    characters: int = 0


def values_of(profile: Profile | None) -> dict[str, str]:
    """What stands in the place of each field; without a profile, an example."""
    example = {
        "first_name": _("Anna"),
        "last_name": _("Example"),
        "language": "en",
        "country": "NL",
        "external_id": "P00001",
    }
    found = {
        name: str(getattr(profile, name) or "") if profile else example[name]
        for name in example
    }
    return found | {name: EXAMPLE_LINK.format(name=name) for name in LINKS}


def preview(delivery: Delivery, profile: Profile | None = None) -> Preview:
    """The message with the profile's own words in the place of the fields."""
    values = values_of(profile)
    is_html = delivery.channel == Channel.EMAIL and looks_like_html(delivery.content)
    content = _filled(delivery.content, values, escaped=is_html)
    names = placeholders(f"{delivery.subject} {delivery.content}")
    unknown = [name for name in dict.fromkeys(names) if name not in values]
    subject = _filled(delivery.subject, values, escaped=False)
    if delivery.channel != Channel.SMS:
        return Preview(subject, content, is_html, unknown)
    encoding, segments = sms_segments(content)
    return Preview(subject, content, is_html, unknown, encoding, segments, len(content))


def _filled(text: str, values: dict[str, str], *, escaped: bool) -> str:
    def value(place: str) -> str | None:
        found = values.get(field_of(place))
        if found is None or filter_in(place):
            return None
        found = found or fallback_of(place)
        return escape(found) if escaped else found

    return fill_by(text, value)
