"""A message as one profile would read it, before anything is sent.

Links that are personal are shown as what they are for: a preview must not hold a link
that acts for somebody.
"""

import re
from dataclasses import dataclass

from django.utils.html import escape
from django.utils.translation import gettext as _

from audiences.channels import Channel
from audiences.models import Profile
from audiences.wording.placeholders import fill_by
from delivery.content import placeholders as places
from delivery.content.sms_segments import sms_segments
from delivery.models import Delivery

_TAG = re.compile(r"<[a-zA-Z!/]")
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
    return found | {name: EXAMPLE_LINK.format(name=name) for name in places.LINKS}


def preview(delivery: Delivery, profile: Profile | None = None) -> Preview:
    """The message with the profile's own words in the place of the fields."""
    values = values_of(profile)
    is_html = delivery.channel == Channel.EMAIL and bool(_TAG.search(delivery.content))
    content = _filled(delivery.content, values, escaped=is_html)
    names = places.placeholders(f"{delivery.subject} {delivery.content}")
    unknown = [name for name in dict.fromkeys(names) if name not in values]
    subject = _filled(delivery.subject, values, escaped=False)
    if delivery.channel != Channel.SMS:
        return Preview(subject, content, is_html, unknown)
    encoding, segments = sms_segments(content)
    return Preview(subject, content, is_html, unknown, encoding, segments, len(content))


def _filled(text: str, values: dict[str, str], *, escaped: bool) -> str:
    def value(place: str) -> str | None:
        found = values.get(places.field_of(place))
        return escape(found) if escaped and found is not None else found

    return fill_by(text, value)
