"""The places of a message: fields of the profile, and links."""

import re

# What a message may say about its reader: {{ name }}.
FIELDS = (
    "first_name",
    "last_name",
    "language",
    "country",
    "external_id",
    "unsubscribe_link",
    "preferences_link",
)


LINKS = ("unsubscribe_link", "preferences_link")


def placeholders(text: str) -> list[str]:
    """The names between double braces, without filters."""
    found = re.findall(r"\{\{\s*([^{}|]*?)\s*(?:\|[^{}]*)?\}\}", text)
    return [name.strip() for name in found]
