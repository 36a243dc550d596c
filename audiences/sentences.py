"""Labels within sentences that the console says."""

from django.utils.functional import Promise
from django.utils.translation import get_language

# Languages that write nouns with a capital wherever they stand.
_CAPITAL_NOUNS = ("de",)


def within_a_sentence(label: str | Promise) -> str:
    """A label as it stands within a sentence: without its capital, except in German.

    "has a primary email address", but "hat eine Hauptadresse für Briefpost".
    """
    language = (get_language() or "").partition("-")[0]
    return str(label) if language in _CAPITAL_NOUNS else str(label).lower()
