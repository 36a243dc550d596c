"""Finding people by identifiers or by name, and reading facts about them."""

from audiences.profiles.facts import (
    PROFILE_FIELDS,
    read_country,
    read_language,
    read_name,
)
from audiences.profiles.finding import (
    LARGEST_ID,
    Ambiguous,
    NotFound,
    find,
    find_ids,
    named_id,
)

__all__ = [
    "LARGEST_ID",
    "PROFILE_FIELDS",
    "Ambiguous",
    "NotFound",
    "find",
    "find_ids",
    "named_id",
    "read_country",
    "read_language",
    "read_name",
]
