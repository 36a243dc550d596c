"""Facts about a person, read from what someone wrote: names, language, country."""

import re

from django.utils.translation import gettext_noop as _

from audiences.models.profiles import LONGEST_TEXT
from audiences.refusals import Sentence
from audiences.wording import cleaning

PROFILE_FIELDS = ("external_id", "first_name", "last_name", "language", "country")


def read_language(text: str) -> str:
    """A language code as we keep it (nl, en-GB); raises ValueError (BCP 47, short)."""
    if not re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}", text):
        raise ValueError(Sentence(_("not a language code such as nl or en-GB")))
    first, *rest = re.split("[-_]", text)
    return "-".join([first.lower(), *(p.upper() if len(p) == 2 else p for p in rest)])


def read_country(text: str) -> str:
    """A country code as we keep it (NL); raises ValueError (ISO 3166-1 alpha-2)."""
    if not re.fullmatch(r"[A-Za-z]{2}", text):
        raise ValueError(Sentence(_("not a country code of two letters such as NL")))
    return text.upper()


def read_name(text: str) -> str:
    """A name without what spreadsheets add; raises ValueError."""
    name = cleaning.words(text)
    if len(name) > LONGEST_TEXT:
        raise ValueError(cleaning.too_long(LONGEST_TEXT))
    return name
