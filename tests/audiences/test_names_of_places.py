"""Countries and languages as they are offered: in the order of who reads them."""

from typing import Any

import pytest
from django.utils import translation

from audiences.wording import names


@pytest.mark.parametrize(
    ("language", "before", "after"),
    [
        ("en", "Åland Islands", "Albania"),
        ("nl", "Ethiopië", "Fiji"),
        ("de", "Ägypten", "Albanien"),
        ("de", "Österreich", "Panama"),
    ],
)
def test_an_accent_does_not_send_a_country_to_the_end(
    language: str, before: str, after: str
) -> None:
    with translation.override(language):
        found = [name for _code, name in names.countries()]
    assert found.index(before) < found.index(after)


@pytest.mark.parametrize("region", ["NL", "DE"])
def test_the_country_of_the_site_comes_first(region: str, settings: Any) -> None:
    settings.PHONE_REGION = region
    codes = [code for code, _name in names.countries()]
    assert codes[0] == region
    assert len(codes) == len(set(codes)) > 200
