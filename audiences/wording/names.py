"""Names of languages and countries, in the language of whoever reads them."""

from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from unicodedata import combining, normalize

import phonenumbers
from django.conf import settings
from django.conf.locale import LANG_INFO
from django.utils.translation import get_language, get_language_info

# Two codes that are no country and that a person may not live in.
_NO_COUNTRIES = ("001", "AC")


@cache
def _names_of_countries() -> dict[str, dict[str, str]]:
    """Names by code and language, as `phonenumbers` has them.

    Only that file of its package is read: the rest of it is the geography of all
    numbers, a hundred megabytes in every process.
    """
    file = Path(phonenumbers.__file__).with_name("geodata") / "locale.py"
    # Under a name as deep as its own: it imports relative to it.
    spec = spec_from_file_location("phonenumbers.countries.locale", file)
    assert spec is not None  # noqa: S101
    assert spec.loader is not None  # noqa: S101
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, dict[str, str]] = module.LOCALE_DATA
    return found


def languages() -> list[tuple[str, str]]:
    """Codes of languages with their names: those of our own pages first."""
    own = [code for code, _name in settings.LANGUAGES]
    codes = [c for c, facts in LANG_INFO.items() if "-" not in c and "name" in facts]
    rest = [(code, _language(code)) for code in codes if code not in own]
    return [(c, _language(c)) for c in own] + sorted(rest, key=_by_name)


def _language(code: str) -> str:
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code


def countries() -> list[tuple[str, str]]:
    """Codes of countries (ISO 3166-1 alpha-2) with their names, by name.

    The site's own comes first, where the settings name it.
    """
    language = (get_language() or "en").partition("-")[0]
    named = [
        (code, _country(names, language))
        for code, names in _names_of_countries().items()
        if code not in _NO_COUNTRIES and len(code) == 2
    ]
    found = sorted((row for row in named if row[1]), key=_by_name)
    return sorted(found, key=lambda row: row[0] != settings.PHONE_REGION)


def _by_name(row: tuple[str, str]) -> str:
    """As a reader looks for it: an Å or an É stands with the A and the E."""
    apart = normalize("NFKD", row[1].casefold())
    return "".join(letter for letter in apart if not combining(letter))


def _country(names: dict[str, str], language: str) -> str:
    """The name in the language; `*fi` means: the same as in Finnish."""
    for wanted in (language, "en"):
        name = names.get(wanted, "")
        name = names.get(name[1:], "") if name.startswith("*") else name
        if name:
            return name
    return ""
