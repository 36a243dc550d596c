"""The places of a message: fields of the profile, and links.

A message may come from another system that knows filters (`{{ name | upper }}`): they
are no part of the name.
"""

from audiences.wording import placeholders as wording

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
    """The names in the places of a message, in their order."""
    return [field_of(place) for place in wording.places(text)]


def field_of(place: str) -> str:
    """The name in a place, without its filters."""
    return place.partition("|")[0].strip()
